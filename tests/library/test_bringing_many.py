"""Libraries from elsewhere: folders of old pictures, and invented ones by the thousand."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from PIL import ExifTags, Image, PngImagePlugin

from generations.imaging.provenance import Origin, packet
from generations.models import Asset, facets, finding
from generations.models.search import Search
from generations.storage import originals
from tests.conftest import Person
from tests.library.conftest import Shelf


def test_an_old_picture_stands_among_those_of_its_time_and_is_found_by_its_prompt(
    shelf: Shelf, tmp_path: Path
) -> None:
    before, after = (shelf.put(made=datetime(year, 6, 1, tzinfo=UTC)) for year in (2019, 2021))
    told = PngImagePlugin.PngInfo()
    told.add_text("prompt", "a lighthouse in fog")
    Image.new("RGB", (64, 48), "navy").save(tmp_path / "old.png", pnginfo=told)
    then = datetime(2020, 6, 1, tzinfo=UTC)
    os.utime(tmp_path / "old.png", (then.timestamp(), then.timestamp()))
    project, email = str(shelf.ada.project.id), shelf.ada.user.email
    call_command("import_pictures", str(tmp_path), project=project, email=email, stdout=StringIO())
    old = Asset.objects.get(name="old.png")
    me = shelf.ada.principal
    assert finding.page_of(me, Search()).ids == [after.id, old.id, before.id]
    assert finding.page_of(me, Search(q="lighthouse")).ids == [old.id]
    in_2020 = Search.read({"created_after": "2020-01-01", "created_before": "2021-01-01"})
    assert finding.page_of(me, in_2020).ids == [old.id]


@pytest.mark.parametrize("way", ["user comment", "utf-16 comment", "description", "comment", "ours", "xmp"])
def test_a_prompt_and_a_day_are_read_wherever_a_program_wrote_them(
    shelf: Shelf, tmp_path: Path, way: str
) -> None:
    exif = Image.Exif()
    exif.get_ifd(ExifTags.IFD.Exif)[ExifTags.Base.DateTimeOriginal] = "2021:03:04 05:06:07"
    exif[ExifTags.Base.DateTime] = "2024:01:01 00:00:00"
    more: dict[str, Any] = {"format": "JPEG"}
    if way == "user comment":
        said = b"ASCII\0\0\0a lighthouse in fog\nNegative prompt: rain\nSteps: 20"
        exif.get_ifd(ExifTags.IFD.Exif)[ExifTags.Base.UserComment] = said
    if way == "utf-16 comment":
        said = b"UNICODE\0" + "a lighthouse in fog\nSteps: 20".encode("utf-16-be")
        exif.get_ifd(ExifTags.IFD.Exif)[ExifTags.Base.UserComment] = said
    if way == "description":
        exif[ExifTags.Base.ImageDescription] = "a lighthouse in fog"
    if way == "comment":
        more |= {"comment": b"a lighthouse in fog"}
    if way == "ours":
        more = {"format": "WEBP", "xmp": packet(Origin("an id", prompt="a lighthouse in fog"))}
    if way == "xmp":
        told = b"<dc:description><rdf:Alt><rdf:li xml:lang='x'>a lighthouse in fog</rdf:li></rdf:Alt>"
        more |= {"xmp": told + b"</dc:description>"}
    Image.new("RGB", (64, 48), "navy").save(tmp_path / "old", exif=exif, **more)
    project, email = str(shelf.ada.project.id), shelf.ada.user.email
    call_command("import_pictures", str(tmp_path), project=project, email=email, stdout=StringIO())
    old = Asset.objects.get(name="old")
    assert (old.prompt, old.created_at) == ("a lighthouse in fog", datetime(2021, 3, 4, 5, 6, 7, tzinfo=UTC))


def test_an_invented_library_can_be_looked_through(gateways: Any, person: Person) -> None:
    out = StringIO()
    call_command("seed_library", "120", project=str(person.project.id), real=1, stdout=out)
    assert "120 pictures" in out.getvalue()
    me = person.principal
    everything = facets.facets(me, Search(), facets.FACETS)
    assert everything.total == facets.Count(120)
    assert {one.value for one in everything.values["kind"]} == {"generated", "uploaded"}
    assert len(everything.values["month"]) >= 24
    assert sum(one.pictures.number for one in everything.values["user"]) == 120
    newest = finding.page_of(me, Search(), limit=1).assets()[0]
    assert originals().digest(newest.storage_key) == newest.sha256
    assert all(originals().exists(newest.derivative_key(size)) for size in (256, 512, 1024))
    words = newest.prompt or newest.name
    assert newest.id in finding.page_of(me, Search(q=words)).ids


def test_nothing_is_invented_beside_real_pictures(ada: Person, settings: Any) -> None:
    settings.SANDBOX = False
    with pytest.raises(CommandError, match="SANDBOX"):
        call_command("seed_library", "10", project=str(ada.project.id))
