"""What members say of a picture: in the browser and over the API, by every role."""

from __future__ import annotations

import pytest

from accounts.models import AuditEvent
from generations.models import Comment, Notice
from tests.api.conftest import send
from tests.picture.conftest import Team
from tests.web.conftest import htmx, text_of


def said(team: Team, role: str, text: str = "More mist, please.") -> Comment:
    team.browser(role).post(f"/pictures/{team.asset.id}/comments", {"text": text})
    return Comment.objects.get(text=text)


@pytest.mark.parametrize("role", ["owner", "editor", "viewer"])
def test_every_member_may_comment_and_all_members_read_it(role: str, team: Team) -> None:
    said(team, role)
    for reader in ("owner", "editor", "viewer"):
        assert "More mist, please." in text_of(team.browser(reader).get(f"/pictures/{team.asset.id}"))
    event = AuditEvent.objects.get(verb="comment")
    assert (event.actor, event.project) == (team[role].user, team.owner.project)


def test_whose_picture_it_is_is_told_of_what_others_say_while_they_are_a_member(team: Team) -> None:
    said(team, "owner", "my own")
    assert not Notice.objects.exists()
    said(team, "viewer")
    told = Notice.objects.get()
    assert (told.user, told.kind, told.project) == (team.owner.user, "comment", team.owner.project)
    assert told.about == {"asset": str(team.asset.id), "by": str(team.viewer.user.id)}
    type(team.asset).objects.update(user=team.stranger.user)
    said(team, "viewer", "again")
    assert Notice.objects.count() == 1


def test_a_stranger_neither_reads_nor_writes(team: Team) -> None:
    comment = said(team, "viewer")
    at = f"/api/v1/assets/{team.asset.id}/comments"
    stranger = team.program("stranger")
    assert send(stranger, "get", at).status_code == 404
    assert send(stranger, "post", at, {"text": "hello"}).status_code == 404
    for method, body in (("get", None), ("patch", {"text": "mine"}), ("delete", None)):
        assert send(stranger, method, f"/api/v1/comments/{comment.id}", body).status_code == 404
    page = team.browser("stranger").post(f"/pictures/{team.asset.id}/comments", {"text": "hello"})
    assert page.status_code == 404
    assert [one.text for one in Comment.objects.all()] == ["More mist, please."]


def test_a_comment_is_changed_only_by_who_wrote_it(team: Team) -> None:
    comment = said(team, "viewer")
    at = f"/pictures/{team.asset.id}/comments/{comment.id}"
    for role in ("owner", "editor"):
        assert team.browser(role).post(at, {"text": "Less"}).status_code == 403
        assert f'action="{at}"' not in team.browser(role).get(f"/pictures/{team.asset.id}").content.decode()
    team.browser("viewer").post(at, {"text": "Less mist, please."})
    comment.refresh_from_db()
    assert comment.text == "Less mist, please."
    assert comment.edited_at is not None
    assert "edited" in text_of(team.browser("owner").get(f"/pictures/{team.asset.id}"))


def test_owners_delete_any_comment_and_others_their_own(team: Team) -> None:
    first, second, third = (said(team, "viewer", text) for text in ("one", "two", "three"))
    gone = f"/pictures/{team.asset.id}/comments/{{}}/delete"
    assert team.browser("editor").post(gone.format(first.id)).status_code == 403
    team.browser("owner").post(gone.format(first.id))
    team.browser("viewer").post(gone.format(second.id))
    assert list(Comment.objects.all()) == [third]


def test_the_api_says_changes_lists_and_deletes(team: Team) -> None:
    program, at = team.program("viewer"), f"/api/v1/assets/{team.asset.id}/comments"
    made = send(program, "post", at, {"text": "  first\r\nline two "})
    assert made.status_code == 201
    assert made.json()["text"] == "first\nline two"
    send(program, "post", at, {"text": "second"})
    assert [one["text"] for one in send(program, "get", at).json()["results"]] == [
        "second",
        "first\nline two",
    ]
    one = f"/api/v1/comments/{made.json()['id']}"
    changed = send(program, "patch", one, {"text": "other"}).json()
    assert (changed["text"], changed["edited_at"] is None) == ("other", False)
    assert send(program, "get", one).json() == changed
    assert send(team.program("editor"), "patch", one, {"text": "no"}).status_code == 403
    assert send(program, "delete", one).status_code == 204
    assert send(program, "get", one).status_code == 404


@pytest.mark.parametrize("text", ["", "  \n ", "x" * 4001])
def test_what_cannot_be_said_is_named_and_nothing_typed_is_lost(text: str, team: Team) -> None:
    refused = send(team.program("viewer"), "post", f"/api/v1/assets/{team.asset.id}/comments", {"text": text})
    assert refused.status_code == 400
    assert list(refused.json()["error"]["fields"]) == ["text"]
    again = htmx(team.browser("viewer"), "post", f"/pictures/{team.asset.id}/comments", {"text": text})
    assert again.status_code == 422
    assert f">{text}</textarea>" in again.content.decode()
    assert 'id="comment-error"' in again.content.decode()


def test_a_picture_in_the_trash_takes_no_comment_and_says_the_way_back(team: Team) -> None:
    browser = team.browser("owner")
    browser.post(f"/pictures/{team.asset.id}/trash")
    at = f"/pictures/{team.asset.id}/comments"
    answer = htmx(browser, "post", at, {"text": "too late"})
    assert answer["HX-Retarget"] == "#notices"
    assert "take it back first" in text_of(answer)
    assert f'href="/pictures/{team.asset.id}"' in answer.content.decode()
    assert (
        send(
            team.program("owner"), "post", f"/api/v1{at.replace('pictures', 'assets')}", {"text": "x"}
        ).status_code
        == 409
    )
    assert not Comment.objects.exists()


def test_many_comments_show_the_newest_and_the_way_to_the_rest(team: Team) -> None:
    Comment.objects.bulk_create(
        Comment(asset=team.asset, user=team.viewer.user, text=f"number {n}") for n in range(103)
    )
    browser, at = team.browser("viewer"), f"/pictures/{team.asset.id}"
    shown = [one.text for one in browser.get(at).context["comments"]]
    assert (len(shown), shown[0], shown[-1]) == (100, "number 3", "number 102")
    everything = htmx(browser, "get", f"{at}?comments=all")
    assert [one.text for one in everything.context["comments"]][:2] == ["number 0", "number 1"]
