"""Lists whose pictures change places, as where the newest comes first: each is fetched, and fetched once."""

from __future__ import annotations

import pytest

from generations.models import Result, Submission
from generations.states import ResultState
from providers.values import Accepted, Done, Promised, Report, Running
from tests.conftest import Person
from tests.engine.stage import heard, sent


@pytest.fixture
def running(person: Person) -> Submission:
    (submission,) = sent(person, count=3)
    heard(submission, Accepted("gen_1"), post=1)
    return submission


def listed(*names: str | None) -> tuple[Promised, ...]:
    """Pictures under their places, each at the file of its name; None: something else stands there."""
    return tuple(
        Promised(str(place), url=f"https://pictures.invalid/{name}")
        for place, name in enumerate(names)
        if name is not None
    )


def stored(submission: Submission, *before: str | None) -> None:
    """These were listed, and are in storage by now: their addresses are forgotten."""
    told(submission, Running("gen_1", results=listed(*before)))
    for state in (ResultState.FETCHED, ResultState.STORED):
        Result.objects.update(state=state, url="", sha256="0" * 64)


def told(submission: Submission, *reports: Report) -> list[str]:
    """The files that are to be fetched once this was heard, in order."""
    for report in reports:
        heard(submission, report)
    links = Result.objects.filter(submission=submission).values_list("url", flat=True)
    return sorted(link.rpartition("/")[2] for link in links)


def test_a_list_that_grows_in_front_brings_every_picture_once(running: Submission) -> None:
    looks = (Running("gen_1", results=listed("a")), Running("gen_1", results=listed("b", "a")))
    assert told(running, *looks) == ["a", "b"]
    assert told(running, *looks, Done(listed("c", "b", "a"))) == ["a", "b", "c"]


def test_a_picture_that_moves_up_as_something_leaves_the_list_is_no_other(running: Submission) -> None:
    looks = (Running("gen_1", results=listed(None, "a?signed=1")), Done(listed("a?signed=2", "b")))
    assert told(running, *looks) == ["a?signed=2", "b"]


def test_what_is_in_storage_already_is_known_by_its_link(running: Submission) -> None:
    stored(running, "a?signed=1")
    assert told(running, Done(listed("b", "a?signed=2"))) == ["", "b"]


def test_a_link_in_the_place_of_one_that_is_gone_leads_to_the_same_picture(running: Submission) -> None:
    assert told(running, Running("gen_1", results=listed("a")), Done(listed("x", "b"))) == ["b", "x"]


def test_a_link_that_is_renewed_at_each_look_behind_a_newer_picture_is_one_picture(
    running: Submission,
) -> None:
    looks = [Done(listed(f"x{number}", "a")) for number in range(5)]
    assert told(running, *looks) == ["a", "x4"]


def test_every_link_may_be_renewed_at_once_in_any_order(running: Submission) -> None:
    assert told(running, Running("gen_1", results=listed("a", "b")), Done(listed("x", "y"))) == ["x", "y"]


def test_a_picture_that_is_known_only_by_what_is_behind_the_question_mark_may_move(
    running: Submission,
) -> None:
    stored(running, "f?n=1")
    assert told(running, Done(listed("f?n=2", "f?n=1"))) == ["", "f?n=2"]


def test_of_links_with_the_same_file_that_are_all_renewed_the_place_tells(running: Submission) -> None:
    stored(running, None, "f?n=1&signed=1")
    assert told(running, Done(listed("f?n=2&signed=2", "f?n=1&signed=2"))) == ["", "f?n=2&signed=2"]


def test_a_renewed_link_at_its_place_makes_what_comes_before_it_new(running: Submission) -> None:
    stored(running, None, "b")
    assert told(running, Done(listed("c", "y"))) == ["", "c"]


def test_a_renewed_link_that_moved_is_the_one_picture_that_waits_and_is_not_named_otherwise(
    running: Submission,
) -> None:
    looks = (Running("gen_1", results=listed("a", "b")), Done(listed("b", "x")))
    assert told(running, *looks) == ["b", "x"]


def test_what_may_be_a_new_picture_is_one_until_there_are_as_many_as_were_asked_for(
    running: Submission,
) -> None:
    stored(running, "a", "b")
    assert told(running, Running("gen_1", results=listed("b", "c"))) == ["", "", "c"]
    Result.objects.exclude(url="").update(state=ResultState.FETCHED, url="", sha256="0" * 64)
    assert told(running, Done(listed("b", "x"))) == ["", "", ""]


def test_what_has_an_id_of_its_own_is_known_by_that_alone(running: Submission) -> None:
    first, second = (Promised(f"image-{n}", url=f"https://pictures.invalid/{n}?s=1") for n in "ab")
    assert told(running, Running("gen_1", results=(first,)), Done((second,))) == ["a?s=1", "b?s=1"]
    same = Promised("image-c", url="https://pictures.invalid/a?s=2")
    assert told(running, Done((first, second, same))) == ["a?s=1", "a?s=2", "b?s=1"]


def test_links_that_differ_behind_the_question_mark_alone_are_told_by_their_places(
    running: Submission,
) -> None:
    looks = (Running("gen_1", results=listed("f?n=1")), Done(listed("f?n=1", "f?n=2", "f?n=3")))
    assert told(running, *looks) == ["f?n=1", "f?n=2", "f?n=3"]
