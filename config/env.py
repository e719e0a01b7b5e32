"""The environment, read once, with types. A bad value stops the start with one sentence."""

from __future__ import annotations

import os
import re
import secrets
from collections.abc import Collection, Mapping
from email.utils import parseaddr
from pathlib import Path
from typing import overload
from urllib.parse import SplitResult, parse_qs, unquote, urlsplit

from psycopg import ProgrammingError
from psycopg.conninfo import make_conninfo

BASE_DIR = Path(__file__).resolve().parent.parent
_HOST = re.compile(r"\*|\.?[A-Za-z0-9_.-]+|\[[0-9A-Fa-f:.]+\]")


class BadSetting(SystemExit):
    """Raised for a missing or malformed variable: its sentence is printed, and the program ends."""

    def __init__(self, name: str, sentence: str) -> None:
        super().__init__(f"{name} {sentence}")
        self.name = name


def read_dotenv(path: Path) -> None:
    """Add ``NAME=value`` lines of a .env file to the environment; what is set already wins."""
    if not path.is_file():
        return
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError):
        raise BadSetting(".env", "cannot be read as UTF-8 text.") from None
    for number, line in enumerate(lines, start=1):
        text = line.strip()
        if not text or text.startswith("#"):
            continue
        name, equals, value = text.removeprefix("export ").partition("=")
        if not equals or not name.strip():
            raise BadSetting(".env", f"line {number} is not NAME=value.")
        value = value.strip()
        if len(value) > 1 and value[0] == value[-1] and value[0] in "'\"":
            value = value[1:-1]
        os.environ.setdefault(name.strip(), value)


def text(name: str, default: str = "") -> str:
    return os.environ.get(name, "").strip() or default


@overload
def integer(name: str, default: int, *, low: int = 0, high: int = 2**31) -> int: ...
@overload
def integer(name: str, default: None, *, low: int = 0, high: int = 2**31) -> int | None: ...
def integer(name: str, default: int | None, *, low: int = 0, high: int = 2**31) -> int | None:
    value = text(name)
    if not value:
        return default
    if not value.isdecimal() or len(value) > 19 or not low <= int(value) <= high:
        raise BadSetting(name, f"must be a whole number from {low} to {high}, not {value!r}.")
    return int(value)


def boolean(name: str, default: bool) -> bool:
    value = text(name).lower()
    if not value:
        return default
    if value not in {"1", "0", "true", "false", "yes", "no", "on", "off"}:
        raise BadSetting(name, f"must be 1 or 0, not {value!r}.")
    return value in {"1", "true", "yes", "on"}


def one_of(name: str, default: str, choices: Collection[str]) -> str:
    value = text(name, default).upper()
    if value not in choices:
        raise BadSetting(name, f"must be one of {', '.join(choices)}, not {value!r}.")
    return value


def hosts(name: str) -> list[str]:
    """Host names as Django's ALLOWED_HOSTS takes them, separated by commas."""
    found = [word.strip() for word in text(name).split(",") if word.strip()]
    for host_name in found:
        if not _HOST.fullmatch(host_name):
            raise BadSetting(name, f"must be host names without scheme and port, not {host_name!r}.")
    return found


def sender(name: str, default: str) -> str:
    """An e-mail address, bare or as ``Name <address>``."""
    value = text(name, default)
    user, at, place = parseaddr(value)[1].rpartition("@")
    if not (user and at and place) or not value.isprintable():
        raise BadSetting(name, f"must be an e-mail address, not {value!r}.")
    return value


def secret(name: str) -> str:
    """A key that is sent in a header; empty where it is not set."""
    value = text(name)
    if not value.isascii() or not value.isprintable() or " " in value:
        raise BadSetting(name, "must be letters, digits and ASCII signs without spaces.")
    return value


def _address(name: str, value: str, sentence: str) -> SplitResult:
    """The parts of an address. Raises BadSetting with the sentence if it is none."""
    try:
        parts = urlsplit(value)
        readable = parts.port != 0 and not any(letter.isspace() for letter in parts.netloc)
    except ValueError:  # half the brackets of an IPv6 address, or a port that is none
        readable = False
    if not readable:
        raise BadSetting(name, sentence)
    return parts


def origin(name: str, default: str) -> str:
    """An address without path, such as https://pictures.example.com; empty if that is the default."""
    value = text(name, default)
    if not value:
        return ""
    value = value.rstrip("/")
    sentence = f"must be an address without path, like https://example.com, not {value!r}."
    parts = _address(name, value, sentence)
    more = parts.path or parts.query or parts.fragment or "@" in parts.netloc
    if parts.scheme not in {"http", "https"} or not parts.hostname or more:
        raise BadSetting(name, sentence)
    return value


def host(address: str) -> str:
    """The host of an origin as a Host header has it: an IPv6 address in brackets."""
    found = str(urlsplit(address).hostname)
    return f"[{found}]" if ":" in found else found


def postgres(name: str) -> dict[str, str]:
    """A postgres:// address as libpq's parameters, those of its query included."""
    value = text(name)
    sentence = "must look like postgres://user:password@host:5432/name."
    parts = _address(name, value, sentence)
    if parts.scheme not in {"postgres", "postgresql"} or not parts.path.strip("/"):
        raise BadSetting(name, sentence)
    options = {key: values[-1] for key, values in parse_qs(parts.query).items()}
    try:
        make_conninfo("", **options)
    except ProgrammingError as error:
        raise BadSetting(name, f"has an option that PostgreSQL does not know: {error}.") from None
    return {
        "dbname": unquote(parts.path.lstrip("/")),
        "user": unquote(parts.username or ""),
        "password": unquote(parts.password or ""),
        "host": parts.hostname or "",
        "port": str(parts.port or ""),
        **options,
    }


def broker(name: str) -> str:
    value = text(name)
    sentence = "must be an address that starts with redis://, rediss://, amqp:// or amqps://."
    if value and _address(name, value, sentence).scheme not in {"redis", "rediss", "amqp", "amqps"}:
        raise BadSetting(name, sentence)
    return value


def storage(name: str, folder: Path) -> dict[str, object]:
    """Where originals are kept, as an entry of Django's STORAGES."""
    value = text(name)
    sentence = "must look like s3://bucket?endpoint=https://…&region=… or file:///path."
    parts = _address(name, value, sentence)
    if parts.scheme == "file" and (parts.netloc or not parts.path.strip("/")):
        raise BadSetting(name, sentence)
    if not value or parts.scheme == "file":
        return {
            "BACKEND": "generations.storage.folder.FolderStorage",
            "OPTIONS": {"location": unquote(parts.path) if value else str(folder)},
        }
    query = {key: values[-1] for key, values in parse_qs(parts.query).items()}
    if parts.scheme != "s3" or not parts.hostname:
        raise BadSetting(name, sentence)
    unknown = set(query) - {"endpoint", "region", "access_key", "secret_key", "prefix", "public_endpoint"}
    if unknown:
        raise BadSetting(name, f"has an unknown option: {', '.join(sorted(unknown))}.")
    for key in {"endpoint", "public_endpoint"} & set(query):
        wrong = f"has an {key} that is no http:// or https:// address."
        if _address(name, query[key], wrong).scheme not in {"http", "https"}:
            raise BadSetting(name, wrong)
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
    sentence = "must look like smtp://user:password@host:587 (smtps:// for TLS from the start)."
    parts = _address(name, value, sentence)
    if parts.scheme not in {"smtp", "smtps", "smtp+tls"} or not parts.hostname:
        raise BadSetting(name, sentence)
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
    try:
        return _kept(name, data_dir / "secrets")
    except OSError as error:
        raise BadSetting("DATA_DIR", f"{data_dir} cannot be used: {error.strerror}.") from None


def _kept(name: str, folder: Path) -> str:
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
        if name in keys:
            raise BadSetting("FIELD_KEYS", f"has two keys named {name}; give each its own name.")
        keys[name] = key
    return keys
