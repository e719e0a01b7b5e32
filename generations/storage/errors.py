"""What can go wrong with what is kept. An object that is not there is a FileNotFoundError."""

from __future__ import annotations


class StorageError(Exception):
    """Nothing was kept. Messages name keys, never credentials."""


class StorageUnavailable(StorageError):
    """The store cannot be reached, is full, or refuses us: worth another try later."""


class KeyTaken(StorageError):
    """Other bytes are kept under this key already; they stay as they are."""


class Corrupt(StorageError):
    """What was read back is not what was written. It is not visible under its key."""


class WrongBucket(StorageError):
    """This store belongs to another deployment, or is empty although it must not be."""
