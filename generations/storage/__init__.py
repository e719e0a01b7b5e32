"""Where pictures are kept: originals for ever, byte for byte; derivatives until they are made again.

Which store it is, is Django's ``STORAGES["originals"]``: ``generations.storage.folder.FolderStorage``
or ``generations.storage.s3.PrivateS3Storage`` (apart, because boto3 takes a quarter of a second
and 20 MB to import).
"""

from __future__ import annotations

from typing import cast

from django.core.files.storage import storages

from generations.storage.errors import Corrupt, KeyTaken, StorageError, StorageUnavailable, WrongBucket
from generations.storage.folder import FolderStorage
from generations.storage.store import Store, StoredObject, claim

__all__ = [
    "Corrupt",
    "FolderStorage",
    "KeyTaken",
    "StorageError",
    "StorageUnavailable",
    "Store",
    "StoredObject",
    "WrongBucket",
    "claim",
    "originals",
]


def originals() -> Store:
    """The store of this deployment."""
    return cast(Store, storages["originals"])
