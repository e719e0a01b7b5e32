"""Stores to test on: a folder, and an S3 server where rclone is at hand."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import cast

import pytest

from generations.storage.folder import FolderStorage
from generations.storage.s3 import PrivateS3Storage
from generations.storage.store import Store

from .servers import ACCESS_KEY, BUCKET, SECRET_KEY, Fault, proxy, rclone, s3_server


@pytest.fixture(scope="session")
def s3(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[int, Path]]:
    """The port of an S3 server and the folder it serves."""
    if rclone() is None:
        pytest.skip("rclone is not installed")
    folder = tmp_path_factory.mktemp("s3")
    with s3_server(folder) as port:
        yield port, folder


def bucket(port: int, location: str, **options: object) -> PrivateS3Storage:
    """A store under a prefix of its own in the server's bucket."""
    return PrivateS3Storage(
        **{
            "bucket_name": BUCKET,
            "endpoint_url": f"http://127.0.0.1:{port}",
            "region_name": "us-east-1",
            "access_key": ACCESS_KEY,
            "secret_key": SECRET_KEY,
            "location": location,
            **options,
        }
    )


@pytest.fixture(params=["folder", pytest.param("s3", marks=pytest.mark.s3)])
def root(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """The folder in which a store's objects end up."""
    if request.param == "folder":
        return tmp_path / "store"
    _, folder = request.getfixturevalue("s3")
    return cast(Path, folder / BUCKET / tmp_path.name)


@pytest.fixture
def store(request: pytest.FixtureRequest, root: Path, tmp_path: Path) -> Store:
    """Each kind of store in turn, empty."""
    if root == tmp_path / "store":
        return FolderStorage(location=root)
    port, _ = request.getfixturevalue("s3")
    return cast(Store, bucket(port, tmp_path.name))


@pytest.fixture
def faulty(s3: tuple[int, Path], tmp_path: Path) -> Iterator[Callable[[Fault], Store]]:
    """Makes an S3 store behind a proxy with a fault."""
    with ExitStack() as stack:

        def make(fault: Fault) -> Store:
            port = stack.enter_context(proxy(s3[0], fault))
            return cast(Store, bucket(port, tmp_path.name))

        yield make
