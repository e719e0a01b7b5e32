"""Pictures in a private bucket of any S3-compatible store."""

from __future__ import annotations

import random
import tempfile
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from datetime import UTC, datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Literal

from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError, HTTPClientError
from django.utils.deconstruct import deconstructible
from django.utils.http import content_disposition_header
from storages.backends.s3 import S3Storage
from storages.utils import clean_name

from generations.storage.errors import Corrupt, KeyTaken, StorageUnavailable
from generations.storage.store import (
    CHUNK,
    MARKER,
    QUARANTINE,
    QUARANTINE_DAYS,
    StoredObject,
    is_ours,
    sha256_of,
)

if TYPE_CHECKING:
    from types_boto3_s3.client import S3Client

# The longest that AWS lets a presigned link live (Signature Version 4, query parameters).
LONGEST_LINK = 7 * 24 * 3600
_CONFLICTS = 4
_GONE = frozenset({"404", "NoSuchKey", "NotFound"})


def private_config(addressing: Literal["auto", "virtual", "path"]) -> Config:
    """How to talk to stores other than AWS too: some keep the framing of newer checksums inside the file."""
    return Config(
        signature_version="s3v4",
        request_checksum_calculation="when_required",
        response_checksum_validation="when_required",
        connect_timeout=5,
        read_timeout=60,
        retries={"mode": "standard", "total_max_attempts": 3},
        max_pool_connections=50,
        s3={"addressing_style": addressing},
    )


@deconstructible(path="generations.storage.s3.PrivateS3Storage")
class PrivateS3Storage(S3Storage):  # type: ignore[misc] # django-storages has no types
    """Objects are private and never overwritten, by the store where it can and by their keys where it cannot.

    ``public_endpoint_url``: where browsers reach the store, if that is not ``endpoint_url``.
    """

    def get_default_settings(self) -> dict[str, Any]:
        return {
            **super().get_default_settings(),
            "file_overwrite": False,
            "default_acl": None,
            "querystring_auth": True,
            "addressing_style": "path",
            "public_endpoint_url": None,
        }

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        self.client_config = private_config(self.addressing_style)

    def put(self, key: str, path: Path, sha256: str, content_type: str) -> None:
        if not self._put_new(key, path, content_type):
            self._expect(key, sha256)
            return
        self._read_back(key, sha256)

    def replace(self, key: str, path: Path, content_type: str) -> None:
        with _reaching(key), path.open("rb") as body:
            self._client.put_object(**self._named(key), Body=body, ContentType=content_type)

    def copy(self, key: str, to_key: str, sha256: str) -> None:
        if self.exists(to_key):
            self._expect(to_key, sha256)
            return
        with _reaching(key):  # the store does it; the type goes with the object
            self._client.copy_object(**self._named(to_key), CopySource=self._named(key))
        self._read_back(to_key, sha256)

    def read(self, key: str) -> IO[bytes]:
        file = tempfile.TemporaryFile()  # noqa: SIM115 - the caller closes it
        try:
            self._download(key, file)
        except BaseException:
            file.close()
            raise
        file.seek(0)
        return file

    @contextmanager
    def local_copy(self, key: str) -> Iterator[Path]:
        with tempfile.NamedTemporaryFile(prefix="seedbank-") as file:
            self._download(key, file)
            file.flush()
            yield Path(file.name)

    def exists(self, name: str) -> bool:
        try:
            self.size(name)
        except FileNotFoundError:
            return False
        return True

    def size(self, name: str) -> int:
        with _reaching(name):
            return self._client.head_object(**self._named(name))["ContentLength"]

    def digest(self, key: str) -> str:
        with _reaching(key), self._body(key) as body:
            return sha256_of(body)

    def delete(self, name: str) -> None:
        with _reaching(name):
            self._client.delete_object(**self._named(name))

    def quarantine(self, key: str) -> None:
        aside = self._named(f"{QUARANTINE}/{key}")
        with _reaching(key):
            self._client.copy_object(**aside, CopySource=self._named(key))
        self.delete(key)

    def keys(self, prefix: str = "") -> Iterator[StoredObject]:
        return (kept for kept in self._listed(prefix) if not is_ours(kept.key))

    def signed_link(
        self, key: str, seconds: int, filename: str, content_type: str, *, attachment: bool = False
    ) -> str | None:
        parameters = {
            **self._named(key),
            "ResponseContentType": content_type,
            "ResponseContentDisposition": content_disposition_header(attachment, filename) or "inline",
        }
        return self._link_client.generate_presigned_url(
            "get_object", Params=parameters, ExpiresIn=min(seconds, LONGEST_LINK)
        )

    def local_path(self, key: str) -> Path | None:
        return None

    def check(self) -> None:
        try:
            with _reaching(self.bucket_name):
                self._client.head_bucket(Bucket=self.bucket_name)
        except FileNotFoundError as error:
            raise StorageUnavailable(f"There is no bucket {self.bucket_name}.") from error

    def tidy(self) -> None:
        before = datetime.now(UTC) - timedelta(days=QUARANTINE_DAYS)
        for kept in self._listed(QUARANTINE):
            if kept.modified < before:
                self.delete(kept.key)

    def marker(self) -> str | None:
        try:
            with self.read(MARKER) as file:
                return file.read().decode().strip()
        except FileNotFoundError:
            return None

    def mark(self, deployment: str) -> None:
        with tempfile.NamedTemporaryFile() as file:
            file.write(f"{deployment}\n".encode())
            file.flush()
            self._put_new(MARKER, Path(file.name), "text/plain")

    def _listed(self, prefix: str) -> Iterator[StoredObject]:
        root = f"{self.location.strip('/')}/".lstrip("/")
        pages = self._client.get_paginator("list_objects_v2")
        with _reaching(prefix):
            for page in pages.paginate(Bucket=self.bucket_name, Prefix=root + prefix):
                for found in page.get("Contents", ()):
                    yield StoredObject(found["Key"].removeprefix(root), found["Size"], found["LastModified"])

    def _put_new(self, key: str, path: Path, content_type: str) -> bool:
        """Write unless something is there. False if something is, perhaps an earlier try of ours."""
        for attempt in range(_CONFLICTS):
            try:
                with _reaching(key), path.open("rb") as body:
                    self._client.put_object(
                        **self._named(key), Body=body, ContentType=content_type, IfNoneMatch="*"
                    )
                return True
            except _Refused as refusal:
                if refusal.status == 412:
                    return False
                if refusal.status == 501:  # a store that knows no conditional writes
                    return self._put_if_absent(key, path, content_type)
                if refusal.status != 409:
                    raise
            time.sleep(random.uniform(0.05, 0.2) * 2**attempt)
        raise StorageUnavailable(f"{key}: another write does not end")

    def _put_if_absent(self, key: str, path: Path, content_type: str) -> bool:
        if self.exists(key):
            return False
        self.replace(key, path, content_type)
        return True

    def _read_back(self, key: str, sha256: str) -> None:
        # A flaw on the way back is no reason to condemn what was written: read twice.
        if self.digest(key) != sha256 and self.digest(key) != sha256:
            self.quarantine(key)
            raise Corrupt(key)

    def _expect(self, key: str, sha256: str) -> None:
        if self.digest(key) != sha256:
            raise KeyTaken(key)

    def _download(self, key: str, file: IO[bytes]) -> None:
        with _reaching(key), self._body(key) as body:
            while chunk := body.read(CHUNK):
                file.write(chunk)

    def _body(self, key: str) -> AbstractContextManager[Any]:
        # Not the body's own context manager: that one reads past botocore's check of the length.
        return closing(self._client.get_object(**self._named(key))["Body"])

    def _named(self, key: str) -> Any:
        return {"Bucket": self.bucket_name, "Key": self._normalize_name(clean_name(key))}

    @cached_property
    def _client(self) -> S3Client:
        """One for all threads, which boto3's clients allow; django-storages makes one for each."""
        return self._reaching_at(self.endpoint_url)

    @cached_property
    def _link_client(self) -> S3Client:
        return self._reaching_at(self.public_endpoint_url or self.endpoint_url)

    def _reaching_at(self, endpoint_url: str | None) -> S3Client:
        client: S3Client = self._create_session().client(
            "s3",
            region_name=self.region_name,
            endpoint_url=endpoint_url,
            use_ssl=self.use_ssl,
            verify=self.verify,
            config=self.client_config,
        )
        return client


class _Refused(StorageUnavailable):
    """The store answered with a status that is no success."""

    def __init__(self, key: str, status: int, code: str) -> None:
        super().__init__(f"{key}: {code} ({status})")
        self.status = status


@contextmanager
def _reaching(key: str) -> Iterator[None]:
    """Turn what boto3 raises into FileNotFoundError and StorageUnavailable."""
    try:
        yield
    except ClientError as error:
        code = error.response.get("Error", {}).get("Code", "")
        status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
        if code in _GONE:
            raise FileNotFoundError(key) from error
        raise _Refused(key, status, code) from error
    except (BotoCoreError, HTTPClientError) as error:
        raise StorageUnavailable(f"{key}: {type(error).__name__}") from error
