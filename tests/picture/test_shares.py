"""Links that show one picture to somebody without a sign-in, and nothing but the picture."""

from __future__ import annotations

import io
import re
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.test import Client
from django.utils import timezone
from PIL import Image

from accounts import actions
from accounts.models import AuditEvent
from generations.actions import sharing, uploads
from generations.imaging import Origin, convert
from generations.imaging.provenance import MADE, SOURCES
from generations.models import Asset, ShareLink
from generations.storage import originals
from tests.api.conftest import client_of, send
from tests.conftest import Person, ask, png
from tests.imaging.corpus import written
from tests.picture.conftest import Team
from tests.provenance.test_xmp import IPTC, said
from tests.web.conftest import brought, htmx, made, text_of


def shared(person: Person, asset: Asset, **fields: Any) -> tuple[ShareLink, str]:
    """A link, and the path of its address."""
    link = sharing.share(principal=person.principal, asset_id=asset.id, **fields)
    return link, urlsplit(sharing.address(link)).path


def fetched(path: str, visitor: Client | None = None) -> tuple[Any, bytes]:
    """An answer, and its body read to the end."""
    answer: Any = (visitor or Client()).get(path)
    body = b"".join(answer.streaming_content) if answer.streaming else answer.content
    return answer, body


def shows(path: str, visitor: Client | None = None) -> bool:
    """Whether the page and the picture are there, or else neither of them."""
    found = {fetched(path + more, visitor)[0].status_code for more in ("", "/picture")}
    assert len(found) == 1
    return found == {200}


def test_a_link_shows_the_picture_and_nothing_else_of_it(ada: Person) -> None:
    asset = made(ask(ada, "a secret prompt"), tags=["internal"])
    _, path = shared(ada, asset)
    page = Client().get(path)
    html = page.content.decode()
    for secret in (
        "secret",
        "internal",
        ada.user.email,
        "ada",
        ada.project.name,
        asset.id,
        ada.project.id,
        asset.sha256,
    ):
        assert str(secret) not in html.replace(path, ""), secret
    assert page["Referrer-Policy"] == "no-referrer"
    assert "noindex" in page["X-Robots-Tag"]
    assert page["Cache-Control"] == "no-store"
    assert not page.cookies
    picture, _ = fetched(f"{path}/picture")
    assert "secret" not in str(picture.headers)
    assert str(asset.id) not in str(picture.headers)
    assert picture["Cache-Control"] == "private, no-cache"
    assert not picture.cookies


def test_view_only_gives_at_most_1024_pixels_and_no_original(ada: Person) -> None:
    asset = uploads.upload(
        principal=ada.principal, project_id=ada.project.id, chunks=[png(1600, 1200)], name="large.png"
    )
    _, path = shared(ada, asset)
    seen = Image.open(io.BytesIO(fetched(f"{path}/picture")[1]))
    assert (seen.format, seen.size) == ("WEBP", (1024, 768))
    assert Client().get(f"{path}/download").status_code == 404
    assert "Download" not in text_of(Client().get(path))


def test_what_a_visitor_sees_says_that_a_model_made_it_and_nothing_more(ada: Person, tmp_path: Path) -> None:
    told = Origin("", MADE, "", "seedream-5-lite", "a secret prompt")
    file = convert(written(tmp_path, png(601, 402)), "webp", None, tmp_path / "told.webp", told)
    asset = uploads.upload(
        principal=ada.principal, project_id=ada.project.id, chunks=[file.read_bytes()], name="told.webp"
    )
    _, path = shared(ada, asset, may_download=True)
    with originals().local_copy(asset.derivative_key(1024)) as derivative:
        kept = derivative.read_bytes()
    seen, whole = fetched(f"{path}/picture")[1], fetched(f"{path}/download")[1]
    assert str(asset.id).encode() in kept
    assert said(written(tmp_path, seen)) == {f"{IPTC}DigitalSourceType": SOURCES + MADE}
    assert Image.open(io.BytesIO(seen)).tobytes() == Image.open(io.BytesIO(kept)).tobytes()
    assert whole == file.read_bytes()


def test_download_gives_the_original_byte_for_byte_under_a_name_that_tells_nothing(ada: Person) -> None:
    asset = brought(ada, name="Merger with Acme.png")
    _, path = shared(ada, asset, may_download=True)
    answer, body = fetched(f"{path}/download")
    assert body == png()
    assert answer["Content-Disposition"] == 'attachment; filename="picture.png"'


def test_each_opening_of_the_page_is_a_view_and_a_look_ahead_is_none(ada: Person) -> None:
    link, path = shared(ada, brought(ada))
    Client().get(path)
    Client().get(path)
    fetched(f"{path}/picture")
    Client().head(path)
    Client().get(path, headers={"Sec-Purpose": "prefetch;prerender"})
    link.refresh_from_db()
    assert link.views == 2


@pytest.mark.parametrize("end", ["expired", "revoked", "trashed", "left", "moved", "switched off"])
def test_a_link_that_ended_shows_one_calm_page_and_nothing_else(end: str, team: Team) -> None:
    link, path = shared(team.editor, team.asset)
    assert shows(path)
    if end == "expired":
        ShareLink.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    elif end == "revoked":
        sharing.revoke(principal=team.owner.principal, link_id=link.id)
    elif end == "trashed":
        team.browser("owner").post(f"/pictures/{team.asset.id}/trash")
    elif end == "left":
        actions.remove_member(
            principal=team.owner.principal, project_id=team.owner.project.id, user_id=team.editor.user.id
        )
    elif end == "moved":
        Asset.objects.update(project=team.stranger.project)
    else:
        type(team.editor.user).objects.filter(id=team.editor.user.id).update(is_active=False)
    assert not shows(path)
    ended, wrong = Client().get(path), Client().get("/s/not-a-link")
    assert ended.content == wrong.content
    for name in ended.headers:
        assert ended[name] == wrong[name] or name == "X-Request-Id"
    assert "Nothing is shared here" in text_of(ended)


@pytest.mark.parametrize("wrong", ["x", "x.y", ".", "%00", "AAAA.AAAA", "a" * 500, "é.é"])
def test_wrong_addresses_are_all_answered_alike(wrong: str, ada: Person) -> None:
    _, path = shared(ada, brought(ada))
    forged = path[:-1] + ("A" if path[-1] != "A" else "B")
    assert Client().get(f"/s/{wrong}").content == Client().get(forged).content
    for more in ("", "/picture", "/download"):
        assert Client().get(f"/s/{wrong}{more}").status_code == 404
        assert Client().get(forged + more).status_code == 404
    assert Client().post(forged, {"password": "whatever"}).status_code == 404


def test_a_password_is_asked_for_and_one_cookie_remembers_it_for_this_link_alone(ada: Person) -> None:
    asset = brought(ada)
    link, path = shared(ada, asset, password="open sesame")
    _, other = shared(ada, asset, password="open sesame")
    visitor = Client()
    assert "This picture has a password" in text_of(visitor.get(path))
    assert visitor.get(f"{path}/picture").status_code == 404
    refused = visitor.post(path, {"password": "open says me"})
    assert refused.status_code == 403
    assert "not the password" in text_of(refused)
    assert not refused.cookies
    entered = visitor.post(path, {"password": "open sesame"})
    assert (entered.status_code, entered["Location"]) == (302, path)
    assert [(name, said["path"], said["httponly"]) for name, said in entered.cookies.items()] == [
        ("pass", path, True)
    ]
    assert shows(path, visitor)
    foreign = Client(headers={"cookie": f"pass={entered.cookies['pass'].value}"})
    assert foreign.get(path).status_code == 200
    assert "has a password" in text_of(foreign.get(other))
    ShareLink.objects.filter(id=link.id).update(password="changed")
    assert "has a password" in text_of(foreign.get(path))
    assert "open sesame" not in str(AuditEvent.objects.filter(verb="share_asset").values_list("detail"))


def test_passwords_cannot_be_tried_without_end(ada: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sharing, "TRIES", 2)
    link, path = shared(ada, brought(ada), password="open sesame")
    tried = [Client().post(path, {"password": f"guess {n}"}) for n in range(2)]
    assert {one.status_code for one in tried} == {403}
    right = Client().post(path, {"password": "open sesame"})
    assert right.status_code == 429
    assert 1 <= int(right["Retry-After"]) <= 60
    assert "Wait a minute" in text_of(right)
    ShareLink.objects.filter(id=link.id).update(tried_minute=timezone.now() - timedelta(minutes=1))
    assert Client().post(path, {"password": "open sesame"}).status_code == 302


@pytest.mark.parametrize(
    ("role", "status"), [("owner", 201), ("editor", 201), ("viewer", 403), ("stranger", 404)]
)
def test_editors_share_and_revoke_and_viewers_do_neither(role: str, status: int, team: Team) -> None:
    at = f"/api/v1/assets/{team.asset.id}/shares"
    program = team.program(role)
    made = send(program, "post", at, {"expires_in": "1h"})
    assert made.status_code == status
    assert ShareLink.objects.count() == (status == 201)
    link, _ = shared(team.owner, team.asset)
    other = {201: 200}.get(status, status)
    assert send(program, "get", at).status_code == other
    assert send(program, "get", f"/api/v1/shares/{link.id}").status_code == other
    assert send(program, "delete", f"/api/v1/shares/{link.id}").status_code == {201: 204}.get(status, status)
    link.refresh_from_db()
    assert (link.revoked_at is not None) == (status == 201)
    page = team.browser(role).post(f"/pictures/{team.asset.id}/shares", {"expires_in": "1d"})
    assert page.status_code == {201: 302}.get(status, status)
    revoked = team.browser(role).post(f"/pictures/{team.asset.id}/shares/{link.id}/revoke")
    assert revoked.status_code == {201: 302}.get(status, status)
    shown = team.browser(role).get(f"/pictures/{team.asset.id}")
    assert ("Share by a link" in text_of(shown)) == (status == 201)


def test_the_api_tells_all_of_a_link_but_its_password(ada: Person) -> None:
    asset = brought(ada)
    program = client_of(ada)
    body = {"expires_in": "30d", "password": "open sesame", "may_download": True}
    made = send(program, "post", f"/api/v1/assets/{asset.id}/shares", body).json()
    assert (made["has_password"], made["may_download"], made["open"], made["views"]) == (True, True, True, 0)
    assert "sesame" not in str(made)
    assert re.fullmatch(r"http://\S+/s/[\w-]+\.[\w-]+", made["url"])
    assert Client().get(urlsplit(made["url"]).path).status_code == 200
    assert send(program, "get", f"/api/v1/shares/{made['id']}").json() == made
    send(program, "delete", f"/api/v1/shares/{made['id']}")
    listed = send(program, "get", f"/api/v1/assets/{asset.id}/shares").json()["results"]
    assert [(one["id"], one["open"]) for one in listed] == [(made["id"], False)]
    assert listed[0]["revoked_at"]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("expires_in", "2w"),
        ("expires_in", 7),
        ("password", "short"),
        ("password", "x" * 129),
        ("may_download", "yes"),
    ],
)
def test_a_flaw_is_named_with_its_field(field: str, value: Any, ada: Person) -> None:
    asset = brought(ada)
    refused = send(client_of(ada), "post", f"/api/v1/assets/{asset.id}/shares", {field: value})
    assert refused.status_code == 400
    assert list(refused.json()["error"]["fields"]) == [field]
    assert not ShareLink.objects.exists()


def test_a_refused_form_keeps_what_was_chosen(team: Team) -> None:
    form = {"expires_in": "30d", "password": "short", "may_download": "1"}
    html = htmx(team.browser("editor"), "post", f"/pictures/{team.asset.id}/shares", form).content.decode()
    assert '<option value="30d" selected>' in html
    assert 'value="short"' in html
    assert 'value="1" checked' in html
    assert "must have 6 to 128 characters" in html


@pytest.mark.parametrize(
    ("left", "said"),
    [
        (timedelta(days=7), "7 days"),
        (timedelta(days=6, hours=22), "6 days"),
        (timedelta(days=1), "24 hours"),
        (timedelta(hours=1), "60 min"),
        (timedelta(seconds=20), "1 min"),
    ],
)
def test_the_pages_list_says_how_long_a_link_lives_in_one_round_figure(
    left: timedelta, said: str, team: Team
) -> None:
    shared(team.editor, team.asset)
    ShareLink.objects.update(expires_at=timezone.now() + left)
    page = team.browser("editor").get(f"/pictures/{team.asset.id}")
    assert f"ends in {said} ·" in text_of(page)


def test_the_pages_list_says_who_made_a_link_how_often_it_was_opened_and_offers_to_revoke(team: Team) -> None:
    link, path = shared(team.editor, team.asset, expires_in="never")
    Client().get(path)
    browser = team.browser("owner")
    page = browser.get(f"/pictures/{team.asset.id}")
    assert sharing.address(link) in page.content.decode()
    for fact in ("opened 1 time", "view only", "no end", team.editor.user.display_name):
        assert fact in text_of(page), fact
    browser.post(f"/pictures/{team.asset.id}/shares/{link.id}/revoke")
    page = browser.get(f"/pictures/{team.asset.id}")
    assert sharing.address(link) not in page.content.decode()
    assert "revoked" in text_of(page)
