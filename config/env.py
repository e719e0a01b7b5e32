"""The environment, read once, with types. A bad value stops the start with one sentence."""

from __future__ import annotations

import os
import secrets
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit

BASE_DIR = Path(__file__).resolve().parent.parent


class BadSetting(SystemExit):
    """Raised for a missing or malformed variable: its sentence is printed, and the program ends."""

    def __init__(self, name: str, sentence: str) -> None:
        super().__init__(f"{name} {sentence}")
        self.name = name


def read_dotenv(path: Path) -> None:
    """Add ``NAME=value`` lines of a .env file to the environment; what is set already wins."""
    if not path.is_file():
        return
    for number, line in enumerate(path.read_text().splitlines(), start=1):
        text = line.strip()
        if not text or text.startswith("#"):
            continue
        name, equals, value = text.removeprefix("export ").partition("=")
        if not equals:
            raise BadSetting(".env", f"line {number} is not NAME=value.")
        value = value.strip()
        if len(value) > 1 and value[0] == value[-1] and value[0] in "'\"":
            value = value[1:-1]
        os.environ.setdefault(name.strip(), value)


def text(name: str, default: str = "") -> str:
    return os.environ.get(name, "").strip() or default


def integer(name: str, default: int | None, *, low: int = 0, high: int = 2**31) -> int | None:
    value = text(name)
    if not value:
        return default
    if not value.isdecimal() or not low <= int(value) <= high:
        raise BadSetting(name, f"must be a whole number from {low} to {high}, not {value!r}.")
    return int(value)


def boolean(name: str, default: bool) -> bool:
    value = text(name).lower()
    if not value:
        return default
    if value not in {"1", "0", "true", "false", "yes", "no", "on", "off"}:
        raise BadSetting(name, f"must be 1 or 0, not {value!r}.")
    return value in {"1", "true", "yes", "on"}


def words(name: str) -> list[str]:
    return [word.strip() for word in text(name).split(",") if word.strip()]


def origin(name: str, default: str) -> str:
    """An address without path, such as https://pictures.example.com."""
    value = text(name, default).rstrip("/")
    parts = urlsplit(value)
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.path or parts.query:
        raise BadSetting(name, f"must be an address without path, like https://example.com, not {value!r}.")
    return value


def postgres(name: str) -> dict[str, str]:
    """A postgres:// address as Django's database settings."""
    value = text(name)
    parts = urlsplit(value)
    if parts.scheme not in {"postgres", "postgresql"} or not parts.path.strip("/"):
        raise BadSetting(name, "must look like postgres://user:password@host:5432/name.")
    query = {key: values[-1] for key, values in parse_qs(parts.query).items()}
    return {
        "NAME": unquote(parts.path.lstrip("/")),
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": query.pop("host", parts.hostname or ""),
        "PORT": str(parts.port or ""),
        **{f"option:{key}": option for key, option in query.items()},
    }


def broker(name: str) -> str:
    value = text(name)
    if value and urlsplit(value).scheme not in {"redis", "rediss", "amqp", "amqps"}:
        raise BadSetting(name, "must start with redis://, rediss://, amqp:// or amqps://.")
    return value


def storage(name: str, folder: Path) -> dict[str, object]:
    """Where originals are kept, as an entry of Django's STORAGES."""
    value = text(name)
    parts = urlsplit(value)
    if not value or parts.scheme == "file":
        return {
            "BACKEND": "generations.storage.folder.FolderStorage",
            "OPTIONS": {"location": unquote(parts.path) if value else str(folder)},
        }
    query = {key: values[-1] for key, values in parse_qs(parts.query).items()}
    if parts.scheme != "s3" or not parts.hostname:
        raise BadSetting(name, "must look like s3://bucket?endpoint=https://…&region=… or file:///path.")
    unknown = set(query) - {"endpoint", "region", "access_key", "secret_key", "prefix", "public_endpoint"}
    if unknown:
        raise BadSetting(name, f"has an unknown option: {', '.join(sorted(unknown))}.")
    options: dict[str, object] = {"bucket_name": parts.hostname}
    for key, option in (
        ("endpoint", "endpoint_url"),
        ("region", "region_name"),
        ("prefix", "location"),
        ("public_endpoint", "public_endpoint_url"),
    ):
        if key in query:
            options[option] = query[key]
    for key in ("access_key", "secret_key"):
        credential = query.get(key) or text(
            f"AWS_{'ACCESS_KEY_ID' if key == 'access_key' else 'SECRET_ACCESS_KEY'}"
        )
        if credential:
            options[key] = credential
    return {"BACKEND": "generations.storage.s3.PrivateS3Storage", "OPTIONS": options}


def email(name: str) -> dict[str, object]:
    """An smtp:// or smtps:// address as Django's e-mail settings; empty without one."""
    value = text(name)
    if not value:
        return {}
    parts = urlsplit(value)
    if parts.scheme not in {"smtp", "smtps", "smtp+tls"} or not parts.hostname:
        raise BadSetting(
            name, "must look like smtp://user:password@host:587 (smtps:// for TLS from the start)."
        )
    return {
        "EMAIL_BACKEND": "django.core.mail.backends.smtp.EmailBackend",
        "EMAIL_HOST": parts.hostname,
        "EMAIL_PORT": parts.port or (465 if parts.scheme == "smtps" else 587),
        "EMAIL_HOST_USER": unquote(parts.username or ""),
        "EMAIL_HOST_PASSWORD": unquote(parts.password or ""),
        "EMAIL_USE_SSL": parts.scheme == "smtps",
        "EMAIL_USE_TLS": parts.scheme == "smtp+tls" or (parts.scheme == "smtp" and parts.port == 587),
    }


def kept_secret(name: str, data_dir: Path, *, embedded: bool) -> str:
    """A secret from the environment or, in the embedded default, one made once and kept (mode 0600)."""
    value = text(name)
    if value:
        return value
    if not embedded:
        raise BadSetting(name, "must be set: a long random value that stays the same between starts.")
    folder = data_dir / "secrets"
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    path = folder / name.lower()
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return path.read_text().strip()
    fresh = secrets.token_urlsafe(32) if name != "FIELD_KEYS" else f"k1:{secrets.token_hex(32)}"
    with os.fdopen(handle, "w") as file:
        file.write(fresh)
    return fresh


def field_keys(ring: str) -> Mapping[str, bytes]:
    """``name:hex,name:hex`` as a key ring, newest first; each key is 32 bytes in hexadecimal."""
    keys: dict[str, bytes] = {}
    for entry in ring.split(","):
        name, colon, value = entry.strip().partition(":")
        try:
            key = bytes.fromhex(value)
        except ValueError:
            key = b""
        if not colon or not name.isalnum() or len(key) != 32:
            raise BadSetting(
                "FIELD_KEYS", "must be name:key pairs separated by commas, each key 64 hexadecimal digits."
            )
        keys[name] = key
    return keys
