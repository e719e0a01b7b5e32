"""The original stays as it came; what is made of it says where it came from, and is made once."""

from __future__ import annotations

import hashlib
import io
import os
import time
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any, cast

import pytest
from django.core.management import call_command
from django.utils import timezone

from generations.actions import assets, uploads
from generations.engine import converting, purging
from generations.imaging import look
from generations.imaging.provenance import EDITED, MADE, NAMESPACE, SOURCES
from generations.models import Asset, Conversion
from generations.storage import FolderStorage, originals
from tests.api.conftest import client_of, upload
from tests.conftest import Person, ask, ended, png
from tests.provenance.test_xmp import IPTC, SIGNED, said


@dataclass(frozen=True)
class Got:
    """An answer, read to its end."""

    status: int
    body: bytes
    tag: str


def got(person: Person, path: str, **headers: str) -> Got:
    answer: Any = client_of(person).get(f"/api/v1/assets/{path}", headers=headers)
    return Got(answer.status_code, answer.getvalue(), answer.headers.get("ETag", ""))


def file_of(folder: Path, answer: Got) -> Path:
    assert answer.status == 200, answer.body
    path = folder / hashlib.sha256(os.urandom(8)).hexdigest()
    path.write_bytes(answer.body)
    return path


@pytest.mark.parametrize("kind", sorted(SIGNED))
def test_an_upstream_signature_stays_whole_because_no_byte_is_touched(ada: Person, kind: str) -> None:
    asset = upload(client_of(ada), SIGNED[kind]).json()
    assert got(ada, f"{asset['id']}/content?format=webp").body != SIGNED[kind]
    assert got(ada, f"{asset['id']}/content").body == SIGNED[kind]
    assert originals().digest(Asset.objects.get().storage_key) == hashlib.sha256(SIGNED[kind]).hexdigest()


def test_a_picture_of_a_gateway_says_so_in_whatever_is_made_of_it(
    engine: Any, person: Person, tmp_path: Path
) -> None:
    generation = ended(ask(person, "a red boat & a <tiny> 船"))
    asset = Asset.objects.get(generation=generation)
    thumbnail = said(file_of(tmp_path, got(person, f"{asset.id}/thumbnail?size=512")))
    assert thumbnail[f"{IPTC}DigitalSourceType"] == SOURCES + MADE
    assert thumbnail[f"{{{NAMESPACE}}}GenerationID"] == str(generation.id)
    assert thumbnail[f"{{{NAMESPACE}}}Sandbox"] == "True"
    assert f"{IPTC}AIPromptInformation" not in thumbnail
    converted = said(file_of(tmp_path, got(person, f"{asset.id}/content?format=avif")))
    assert converted[f"{IPTC}AIPromptInformation"] == "a red boat & a <tiny> 船"
    assert converted[f"{IPTC}AISystemUsed"] == asset.model

    edited = ended(ask(person, "in the same style", references=[f"asset:{asset.id}"], provider="prospolabs"))
    other = Asset.objects.get(generation=edited)
    for path in (f"{other.id}/thumbnail?size=256", f"{other.id}/content?format=webp&quality=50"):
        assert said(file_of(tmp_path, got(person, path)))[f"{IPTC}DigitalSourceType"] == SOURCES + EDITED


def test_a_thumbnail_that_is_made_again_says_the_same(engine: Any, person: Person, tmp_path: Path) -> None:
    asset = Asset.objects.get(generation=ended(ask(person)))
    before = said(file_of(tmp_path, got(person, f"{asset.id}/thumbnail?size=256")))
    originals().delete(asset.derivative_key(256))
    assert said(file_of(tmp_path, got(person, f"{asset.id}/thumbnail?size=256"))) == before


def test_an_upload_is_not_called_made_by_a_model(ada: Person, tmp_path: Path) -> None:
    asset = upload(client_of(ada)).json()
    for path in ("thumbnail?size=256", "content?format=jpeg"):
        found = said(file_of(tmp_path, got(ada, f"{asset['id']}/{path}")))
        assert f"{IPTC}DigitalSourceType" not in found
        assert found[f"{{{NAMESPACE}}}AssetID"] == asset["id"]


def kept(person: Person, prompt: str = "a secret") -> Asset:
    """A picture as if a model had made it."""
    asset = uploads.upload(principal=person.principal, project_id=person.project.id, chunks=[png()], name="x")
    Asset.objects.filter(id=asset.id).update(kind="generated", prompt=prompt, model="seedream-5-lite")
    return Asset.objects.get(id=asset.id)


def test_a_project_that_hides_its_prompts_hides_them_in_what_was_made_before(
    ada: Person, tmp_path: Path
) -> None:
    asset = kept(ada)
    path = f"{asset.id}/content?format=jpeg"
    first = got(ada, path)
    assert said(file_of(tmp_path, first))[f"{IPTC}AIPromptInformation"] == "a secret"
    ada.project.prompts_in_pictures = False
    ada.project.save()
    second = got(ada, path, if_none_match=first.tag)
    assert second.status == 200
    assert b"a secret" not in second.body
    assert look(file_of(tmp_path, got(ada, path))).said.asset == str(asset.id)


def test_a_second_download_costs_no_decoding(ada: Person) -> None:
    asset = kept(ada)
    path = f"{asset.id}/content?format=webp&quality=40"
    first = got(ada, path).body
    originals().delete(asset.storage_key)  # so nothing could be made anew
    assert got(ada, path).body == first
    part = got(ada, path, range="bytes=4-9")
    assert (part.status, part.body) == (206, first[4:10])
    assert got(ada, f"{asset.id}/content?format=webp&quality=41").status == 503


def test_what_is_kept_is_bounded_and_the_oldest_goes_first(ada: Person, monkeypatch: Any) -> None:
    asset = kept(ada)
    for quality in (40, 50):
        got(ada, f"{asset.id}/content?format=jpeg&quality={quality}")
    monkeypatch.setattr(converting, "MOST_BYTES", sum(row.bytes for row in Conversion.objects.all()))
    oldest = Conversion.objects.order_by("id")[0]
    Conversion.objects.filter(id=oldest.id).update(used_at=timezone.now() - timedelta(days=3))
    got(ada, f"{asset.id}/content?format=jpeg&quality=60")
    assert not Conversion.objects.filter(id=oldest.id).exists()
    assert not originals().exists(oldest.key)
    assert got(ada, f"{asset.id}/content?format=jpeg&quality=40").status == 200


def test_what_nobody_wanted_for_two_weeks_goes(ada: Person) -> None:
    asset = kept(ada)
    got(ada, f"{asset.id}/content?format=jpeg")
    (row,) = Conversion.objects.all()
    Conversion.objects.update(used_at=timezone.now() - timedelta(days=15))
    converting.tidy()
    assert not originals().exists(row.key)
    assert not Conversion.objects.exists()


def test_a_picture_that_is_purged_takes_all_that_was_made_of_it_along(ada: Person) -> None:
    asset = kept(ada)
    got(ada, f"{asset.id}/content?format=avif")
    assets.trash(principal=ada.principal, asset_id=asset.id)
    Asset.objects.update(trashed_at=timezone.now() - timedelta(days=31))
    purging.purge()
    assert [one.key for one in originals().keys()] == []  # noqa: SIM118 - a store has no other way to list


def test_verify_assets_calls_no_conversion_an_orphan(ada: Person) -> None:
    asset = kept(ada)
    for rest in ("format=avif", "format=jpeg&quality=77", "format=webp"):
        got(ada, f"{asset.id}/content?{rest}")
    old = time.time() - 8 * 86400
    root = Path(cast(FolderStorage, originals()).location)
    for one in originals().keys():  # noqa: SIM118
        os.utime(root / one.key, (old, old))
    out = io.StringIO()
    call_command("verify_assets", stdout=out)
    assert "1 pictures are as they were written." in out.getvalue()
    stray = originals().local_path(f"{asset.storage_key}-gif1")
    assert stray is not None
    stray.write_bytes(b"stray")
    os.utime(stray, (old, old))
    with pytest.raises(SystemExit):
        call_command("verify_assets", stdout=out)
    assert "orphaned" in out.getvalue()
