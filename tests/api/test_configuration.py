"""A setting that is malformed stops the start with one sentence that names it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
ELSEWHERE = {
    "DATABASE_URL": "postgres://seedbank@127.0.0.1/seedbank",
    "SECRET_KEY": "only for tests",
    "FIELD_KEYS": "k1:" + "5e" * 32,
}


def start(where: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    """What reading the settings comes to, with these variables and no others of ours."""
    return subprocess.run(
        [
            sys.executable,
            "-c",
            "from config import settings; print(settings.ALLOWED_HOSTS, settings.SANDBOX_PORT)",
        ],
        cwd=ROOT,
        env={
            "PATH": os.environ["PATH"],
            "SEEDBANK_TESTING": "1",
            "DATA_DIR": str(where),
            **ELSEWHERE,
            **variables,
        },
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PORT", "9" * 5000),
        ("PUBLIC_URL", "http://[::1"),
        ("PUBLIC_URL", "http://localhost:99999"),
        ("PUBLIC_URL", "https://pictures.example.com#x"),
        ("PUBLIC_URL", "http://two words"),
        ("RUNWARE_BASE_URL", "https://api.runware.ai:port"),
        ("RUNWARE_BASE_URL", "https://me@api.runware.ai"),
        ("RUNWARE_API_KEY", "ключ"),
        ("RUNWARE_API_KEY", "two words"),
        ("DATABASE_URL", "postgres://me@host:port/name"),
        ("DATABASE_URL", "postgres://[/name"),
        ("BROKER_URL", "redis://host:port"),
        ("STORAGE_URL", "s3://["),
        ("STORAGE_URL", "file://var/pictures"),
        ("STORAGE_URL", "file:///"),
        ("STORAGE_URL", "s3://pictures?endpoint=store.example.com"),
        ("EMAIL_URL", "smtp://host:port"),
        ("DEFAULT_FROM_EMAIL", "Seedbank"),
        ("DEFAULT_FROM_EMAIL", "Seedbank <@example.com>"),
        ("ALLOWED_HOSTS", "https://pictures.example.com"),
        ("ALLOWED_HOSTS", "pictures.example.com:443"),
        ("LOG_LEVEL", "LOUD"),
        ("FIELD_KEYS", f"k1:{'5e' * 32},k1:{'6e' * 32}"),
    ],
)
def test_a_malformed_setting_stops_the_start_in_one_sentence(tmp_path: Path, name: str, value: str) -> None:
    ended = start(tmp_path, **{name: value})
    assert ended.returncode == 1
    (sentence,) = ended.stderr.strip().splitlines()
    assert sentence.startswith(f"{name} ")


def test_a_data_folder_that_is_none_is_named(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("")
    ended = start(file, DATABASE_URL="", SECRET_KEY="")
    assert ended.returncode == 1
    (sentence,) = ended.stderr.strip().splitlines()
    assert sentence.startswith(f"DATA_DIR {file} ")


def test_what_says_how_much_is_logged_may_be_written_small(tmp_path: Path) -> None:
    assert start(tmp_path, LOG_LEVEL="debug", ALLOWED_HOSTS=".example.com, [::1]").returncode == 0


def test_a_port_near_the_last_leaves_room_for_the_sandbox(tmp_path: Path) -> None:
    told = start(tmp_path, PORT="65535")
    assert told.returncode == 0
    assert int(told.stdout.split()[-1]) + 5 < 65_535


def test_an_address_of_the_new_internet_protocol_is_served(tmp_path: Path) -> None:
    ended = start(tmp_path, PUBLIC_URL="http://[2001:db8::1]:8000")
    assert "'[2001:db8::1]'" in ended.stdout


@pytest.mark.parametrize("text", [b"SECRET_KEY=\xff", b"=value", b"nothing"])
def test_a_dotenv_that_cannot_be_read_is_named(tmp_path: Path, text: bytes) -> None:
    path = tmp_path / ".env"
    path.write_bytes(text)
    ended = subprocess.run(
        [sys.executable, "-c", f"from config import env; env.read_dotenv(env.Path({str(path)!r}))"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ended.returncode == 1
    assert ended.stderr.startswith(".env ")
    assert len(ended.stderr.strip().splitlines()) == 1
