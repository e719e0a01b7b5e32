"""The shell: bad input gets one sentence, and one bad file does not end an import."""

from __future__ import annotations

import io
import json
import socket
import zlib
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.test import Client
from PIL import Image, PngImagePlugin

from generations.engine.listening import somebody_listens
from generations.engine.net import Net
from generations.models import Asset
from generations.storage import originals
from providers.models import ProviderAccount
from tests.api.conftest import client_of, upload
from tests.conftest import Person, eventually, png


def picture_with(path: Path, color: str, **texts: str) -> None:
    """A PNG with a generator's words in it."""
    words = PngImagePlugin.PngInfo()
    for name, text in texts.items():
        words.add_itxt(name, text)
    Image.new("RGB", (64, 48), color).save(path, "PNG", pnginfo=words)


def bring_in(person: Person, folder: Path) -> str:
    said = io.StringIO()
    call_command(
        "import_pictures", str(folder), project=str(person.project.id), email=person.user.email, stdout=said
    )
    return said.getvalue()


@pytest.mark.parametrize(
    ("texts", "prompt"),
    [
        ({"parameters": "a boat\x00at dawn\nNegative prompt: rain"}, "a boat at dawn"),
        ({"prompt": json.dumps({"prompt": "half \ud83d of\x00it"})}, "half ? of it"),
        ({"prompt": '{"a":' * 20_000}, ('{"a":' * 20_000)[:8000]),
    ],
    ids=["NUL", "half a character", "too deep"],
)
def test_an_embedded_prompt_no_database_keeps_is_mended(
    ada: Person, tmp_path: Path, texts: dict[str, str], prompt: str
) -> None:
    picture_with(tmp_path / "a.png", "red", **texts)
    (tmp_path / "b.png").write_bytes(png(color="blue"))
    assert "2 brought in" in bring_in(ada, tmp_path)
    assert set(Asset.objects.values_list("prompt", flat=True)) == {prompt, ""}


def test_a_picture_that_would_be_huge_ends_no_import(ada: Person, tmp_path: Path) -> None:
    head = b"IHDR" + (20_000).to_bytes(4, "big") * 2 + b"\x08\x02\x00\x00\x00"
    chunk = len(head[4:]).to_bytes(4, "big") + head + zlib.crc32(head).to_bytes(4, "big")
    (tmp_path / "a.png").write_bytes(png()[:8] + chunk + png()[33:])
    (tmp_path / "b.png").write_bytes(png())
    assert "1 brought in, 0 were there already, 1 refused." in bring_in(ada, tmp_path)


def test_beside_workers_a_shell_changes_no_account(engine: Net, person: Person, settings: Any) -> None:
    eventually(somebody_listens, what="a worker")
    accounts = ProviderAccount.objects.order_by("id").values_list(
        "provider", "source", "enabled", "base_url", "sealed_key"
    )
    before = list(accounts)
    settings.PROVIDER_ENV = {"runware": {"api_key": "of this shell alone", "base_url": ""}}
    settings.SANDBOX_PORT += 1000
    said = io.StringIO()
    call_command("generate", "a red boat", provider="bytespike", email=person.user.email, stdout=said)
    assert "Stored 1 of 1" in said.getvalue()
    assert list(accounts.all()) == before


def test_an_empty_key_of_a_grant_is_refused_because_it_would_grant_twice(ada: Person) -> None:
    before = ada.wallet.available
    with pytest.raises(CommandError, match="--key"):
        call_command("grant", ada.user.email, "5", memo="to begin with", key="")
    assert ada.wallet.available == before


@pytest.mark.parametrize("sample", [0, -1])
def test_a_sample_of_no_pictures_is_refused(ada: Person, sample: int) -> None:
    with pytest.raises(CommandError, match="--sample"):
        call_command("verify_assets", sample=sample)


def test_pictures_that_cannot_be_looked_at_are_not_called_missing(ada: Person) -> None:
    kept = Asset.objects.get(id=upload(client_of(ada)).json()["id"])
    path = originals().local_path(kept.storage_key)
    assert path is not None
    folder, away = path.parent, path.parent.with_name("away")
    folder.rename(away)
    folder.write_text("no folder")
    with pytest.raises(CommandError, match="cannot be read now"):
        call_command("verify_assets")
    folder.unlink()
    away.rename(folder)
    call_command("verify_assets", stdout=io.StringIO())


def test_where_nobody_can_type_a_password_one_is_made_and_told(
    shop: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = io.StringIO()
    monkeypatch.setattr("sys.stdin", io.StringIO())
    call_command("create_user", "grace@example.com", stdout=said)
    password = said.getvalue().strip().removesuffix(".").rpartition(" ")[2]
    assert Client().login(email="grace@example.com", password=password)


@pytest.mark.parametrize(
    "arguments",
    [["--port", "99999"], ["--port", "65531"], ["--port", "x"], ["--latency", "-1"], ["--latency", "nan"]],
)
def test_a_sandbox_that_cannot_be_is_refused_in_a_sentence(arguments: list[str]) -> None:
    with pytest.raises(CommandError, match=arguments[0]):
        call_command("sandbox", *arguments)


def test_a_sandbox_on_a_taken_port_is_refused_in_a_sentence() -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = min(other.getsockname()[1], 65_530)
        with pytest.raises(CommandError, match=f"{port} to {port + 5} cannot be used"):
            call_command("sandbox", port=port)


def test_a_person_without_a_password_is_refused_in_a_sentence(
    shop: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    def nobody_types(prompt: str) -> str:
        raise EOFError

    monkeypatch.setattr("sys.stdin", io.StringIO())
    monkeypatch.setattr("sys.stdin.isatty", lambda: True)
    monkeypatch.setattr("getpass.getpass", nobody_types)
    with pytest.raises(CommandError, match="--password-stdin"):
        call_command("create_user", "grace@example.com")
