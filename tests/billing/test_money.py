"""Dollars as people write them and micro-dollars as we keep them, with nothing in between."""

from __future__ import annotations

import ast
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import billing
from billing.money import MOST, dollars, micros


@pytest.mark.parametrize(
    ("written", "kept"),
    [
        ("0.035", 35_000),
        ("0.20", 200_000),
        (" $25.00 ", 25_000_000),
        ("0.000001", 1),
        ("-1.5", -1_500_000),
        ("1e-6", 1),
        ("1E3", 1_000_000_000),
        (3, 3_000_000),
        (Decimal("0.012"), 12_000),
        ("1000000", MOST),
        ("0.2000000", 200_000),
    ],
)
def test_an_amount_becomes_whole_micro_dollars(written: str | int | Decimal, kept: int) -> None:
    assert micros(written) == kept
    assert type(micros(written)) is int


@pytest.mark.parametrize(
    ("written", "wrong"),
    [
        ("", "such as"),
        ("a dollar", "such as"),
        ("NaN", "such as"),
        ("sNaN", "such as"),
        ("Infinity", "such as"),
        ("0,20", "such as"),
        ("0.0000001", "six decimals"),
        ("0.1234560000000000000000000000000001", "six decimals"),
        ("1e-999999", "six decimals"),
        ("1e-9999999", "six decimals"),
        ("1000000.000001", "at most 1,000,000"),
        ("-1000001", "at most 1,000,000"),
        ("1e999999", "at most 1,000,000"),
        ("18446744073709551616", "at most 1,000,000"),
    ],
)
def test_what_is_no_amount_is_refused_with_what_is_wrong(written: str, wrong: str) -> None:
    with pytest.raises(ValueError, match=wrong):
        micros(written)


@pytest.mark.parametrize(
    ("kept", "shown"),
    [
        (0, "0.000"),
        (35_000, "0.035"),
        (200_000, "0.200"),
        (1, "0.000001"),
        (1_234_560, "1.23456"),
        (-1_500_000, "-1.500"),
        (2**63 - 1, "9223372036854.775807"),
    ],
)
def test_an_amount_is_shown_with_three_decimals_and_more_where_they_are_true(kept: int, shown: str) -> None:
    assert dollars(kept) == shown


@given(st.integers(-MOST, MOST))
def test_what_is_shown_reads_back_as_the_same_amount(amount: int) -> None:
    assert micros(dollars(amount)) == amount


@given(
    st.text()
    | st.from_regex(r"\$?-?[0-9_]{0,40}\.?[0-9]{0,40}([eE][+-]?[0-9]{1,12})?", fullmatch=True)
    | st.decimals().map(str)
)
def test_any_text_is_an_exact_amount_or_refused(text: str) -> None:
    try:
        amount = micros(text)
    except ValueError:
        return
    assert Decimal(amount) == Decimal(text.strip().removeprefix("$")) * 1_000_000
    assert -MOST <= amount <= MOST


def test_no_float_is_anywhere_in_billing() -> None:
    sources = list(Path(billing.__file__).parent.rglob("*.py"))
    floats = [
        f"{path.name}:{node.lineno}"
        for path in sources
        for node in ast.walk(ast.parse(path.read_text()))
        if (isinstance(node, ast.Constant) and isinstance(node.value, float))
        or (isinstance(node, ast.Name) and node.id == "float")
        or (isinstance(node, ast.Attribute) and node.attr in {"FloatField", "random", "fsum"})
    ]

    assert len(sources) > 8
    assert floats == []
