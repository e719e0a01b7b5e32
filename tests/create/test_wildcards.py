"""Choices in braces."""

from __future__ import annotations

import pytest

from generations.actions.wildcards import COUNTED, Malformed, TooMany, expand


@pytest.mark.parametrize(
    ("text", "prompts"),
    [
        ("a red boat", ["a red boat"]),
        (
            "{dawn|dusk} over {sea|hills}",
            ["dawn over sea", "dawn over hills", "dusk over sea", "dusk over hills"],
        ),
        ("a {|red }boat", ["a boat", "a red boat"]),
        (r"a \{plain\} brace", ["a {plain} brace"]),
        (r"{a\|b|c}", ["a|b", "c"]),
        ("a | b", ["a | b"]),
        ("{黎明|黄昏}的山", ["黎明的山", "黄昏的山"]),
        (r"C:\boats \\ {a|b}", ["C:\\boats \\ a", "C:\\boats \\ b"]),
        ("{one}", ["one"]),
    ],
)
def test_a_text_stands_for_every_choice(text: str, prompts: list[str]) -> None:
    assert expand(text, 500) == prompts


@pytest.mark.parametrize(
    ("text", "said"), [("{a|b", "without its }"), ("a}", "without its {"), ("{a|{b}}", "nested")]
)
def test_braces_that_do_not_match_are_named(text: str, said: str) -> None:
    with pytest.raises(Malformed, match=said):
        expand(text, 500)


def test_too_many_are_counted_before_they_are_written_out() -> None:
    with pytest.raises(TooMany) as refused:
        expand("{a|b|c|d|e|f|g|h|i|j}" * 40, 500)
    assert refused.value.args[0] == 10**40


def test_a_number_that_nobody_could_read_is_not_worked_out() -> None:
    with pytest.raises(TooMany) as refused:
        expand("{a|b}" * 12_000, 500)
    assert COUNTED < refused.value.args[0] <= 2 * COUNTED
