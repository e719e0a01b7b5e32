"""Bringing pictures in: as uploads, and as references to build on."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from uuid import UUID

import pytest

from accounts import actions
from accounts.errors import Invalid, NotAllowed, NotFound
from accounts.models import Role, Scope
from accounts.principal import Principal
from generations.actions import uploads
from generations.models import Asset, Generation
from generations.storage import originals
from tests.conftest import Person, ask, make_person
from tests.imaging.corpus import encoded, noise, scene

PNG = encoded(scene(64, 48), "png")


def upload(person: Person, data: bytes = PNG, name: str = "boat.png") -> Asset:
    return uploads.upload(
        principal=person.principal, project_id=person.project.id, chunks=[data[:10], data[10:]], name=name
    )


def data_uri(data: bytes, kind: str = "png") -> str:
    return f"data:image/{kind};base64,{base64.b64encode(data).decode()}"


def test_an_upload_is_kept_byte_for_byte_and_twice_is_the_same(ada: Person) -> None:
    asset = upload(ada)

    assert (asset.width, asset.height, asset.format, asset.bytes) == (64, 48, "png", len(PNG))
    with originals().local_copy(asset.storage_key) as path:
        assert path.read_bytes() == PNG
    assert upload(ada, name="again.png") == asset
    assert upload(make_person("ben@example.com")) != asset
    assert Asset.objects.count() == 2


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"not a picture",
        b"<svg xmlns='http://www.w3.org/2000/svg'/>",
        b"GIF89a<script>",
        PNG[: len(PNG) // 2],
    ],
)
def test_what_is_no_whole_picture_is_refused_and_leaves_nothing(ada: Person, data: bytes) -> None:
    with pytest.raises(Invalid) as refusal:
        upload(ada, data)

    assert set(refusal.value.fields) == {"file"}
    assert not Asset.objects.exists()
    assert list(originals().keys()) == []


def test_an_upload_is_cut_off_as_soon_as_it_is_too_large(ada: Person) -> None:
    read = 0

    def endless() -> Iterator[bytes]:
        nonlocal read
        while True:
            read += 2**20
            yield bytes(2**20)

    with pytest.raises(Invalid) as refusal:
        uploads.upload(principal=ada.principal, project_id=ada.project.id, chunks=endless())

    assert (refusal.value.code, set(refusal.value.fields)) == ("too_large", {"file"})
    assert read == uploads.MOST_BYTES + 2**20


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("boat.png", "boat.png"),
        ("../../etc/passwd", "passwd"),
        ("C:\\Users\\ada\\boat.png", "boat.png"),
        ("..", ""),
        ("/", ""),
        ("boat\u202egnp.exe", "boatgnp.exe"),
        ("\u200fboat\u200e.png\u061c", "boat.png"),
        ("a\x00b\r\nc", "abc"),
        ("\ud800boat", "boat"),
        ("船 を 描く.png", "船 を 描く.png"),
        ("x" * 400, "x" * 255),
    ],
)
def test_a_name_is_its_last_part_without_marks_that_hide_or_turn_text(given: str, kept: str) -> None:
    assert uploads.clean_name(given) == kept


def test_who_may_not_work_in_a_project_may_not_upload_to_it(ada: Person) -> None:
    ben = make_person("ben@example.com")
    with pytest.raises(NotFound):
        uploads.upload(principal=ben.principal, project_id=ada.project.id, chunks=[PNG])
    actions.set_member(
        principal=ada.principal, project_id=ada.project.id, email=ben.user.email, role=Role.VIEWER
    )
    with pytest.raises(NotAllowed):
        uploads.upload(principal=ben.principal, project_id=ada.project.id, chunks=[PNG])
    key, _ = actions.create_api_key(user=ada.user, name="reader", scopes=[Scope.READ])
    with pytest.raises(NotAllowed, match="scope"):
        uploads.upload(principal=Principal(ada.user, key), project_id=ada.project.id, chunks=[PNG])
    actions.archive_project(principal=ada.principal, project_id=ada.project.id)
    with pytest.raises(NotAllowed, match="archived"):
        upload(ada)
    with pytest.raises(NotAllowed):
        uploads.upload(principal=ada.principal, project_id=None, chunks=[PNG])

    assert not Asset.objects.exists()


# ── references ──────────────────────────────────────────────────────────────────


def test_references_are_used_in_the_order_given_and_kept_in_the_library(ada: Person) -> None:
    mine = upload(ada)
    jpeg = encoded(scene(40, 40), "jpeg")

    generation = ask(ada, provider="runware", references=[data_uri(jpeg, "jpeg"), f"asset:{mine.id}"])

    used = [use.asset for use in generation.reference_uses.all()]
    assert [(asset.format, asset.kind) for asset in used] == [("jpeg", "uploaded"), ("png", "uploaded")]
    assert used[1] == mine
    again = ask(ada, provider="runware", references=[data_uri(jpeg, "jpeg")])
    assert [use.asset for use in again.reference_uses.all()] == used[:1]


@pytest.mark.parametrize(
    ("reference", "wrong"),
    [
        ("asset:5", "id of a picture"),
        (f"asset:{UUID(int=4)}", "no such picture"),
        ("data:image/png,abc", "base64"),
        ("data:image/png;base64,@@@", "base64"),
        (data_uri(b"not a picture"), "not a PNG"),
        ("https://127.0.0.1/a.png", "forbidden address"),
        ("https://169.254.169.254/latest/meta-data", "forbidden address"),
        ("https://[::ffff:10.0.0.1]/a.png", "forbidden address"),
        ("https://localhost/a.png", "forbidden address"),
        ("http://[::1/a.png", "could not be read"),
    ],
)
def test_a_reference_that_cannot_be_used_is_named_by_its_number(
    ada: Person, reference: str, wrong: str
) -> None:
    mine = upload(ada)

    with pytest.raises(Invalid) as refusal:
        ask(ada, provider="runware", references=[f"asset:{mine.id}", reference])

    [sentence] = refusal.value.fields["references"]
    assert sentence.startswith("number 2:")
    assert wrong in sentence
    assert not Generation.objects.exists()
    assert ada.wallet.held == 0
    assert list(Asset.objects.all()) == [mine]


def test_pictures_of_others_and_pictures_in_the_trash_are_no_references(ada: Person) -> None:
    foreign, thrown_away = upload(make_person("ben@example.com")), upload(ada)
    Asset.objects.filter(id=thrown_away.id).update(trashed_at=thrown_away.created_at)

    for asset in (foreign, thrown_away):
        with pytest.raises(Invalid, match="no such picture"):
            ask(ada, provider="runware", references=[f"asset:{asset.id}"])


def test_a_reference_above_ten_megabytes_is_refused_before_it_is_kept(ada: Person) -> None:
    large = encoded(noise(2200, 1800), "png", compress_level=0)
    assert len(large) > 10 * 2**20

    with pytest.raises(Invalid, match="at most 10 MB"):
        ask(ada, provider="runware", references=[data_uri(large)])

    assert not Asset.objects.exists()
