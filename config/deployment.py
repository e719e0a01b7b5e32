"""Refusing to begin on a store of pictures that belongs to another deployment."""

from __future__ import annotations

import logging

from django.db import Error, close_old_connections

from config.models import Deployment
from generations.storage import StorageError, WrongBucket, claim, originals

log = logging.getLogger(__name__)


class WrongStore(Exception):
    """The store at STORAGE_URL is not this deployment's; the message is for people."""


def claim_store() -> None:
    """Mark the store as this deployment's, once, and see ever after that it is.

    A database that is not there yet and a store that is away are not for us to judge: pages and workers
    wait for them. Raises WrongStore.
    """
    try:
        ours, _ = Deployment.objects.get_or_create(id=1)
        claim(originals(), str(ours.name), fresh=not ours.claimed)
        Deployment.objects.filter(claimed=False).update(claimed=True)
    except WrongBucket as error:
        raise WrongStore(
            f"STORAGE_URL leads to a store that is not this deployment's: {error} Set it to the store that "
            "belongs to this database, or to an empty one for a new database."
        ) from None
    except (Error, StorageError) as error:
        log.warning("whose the store is could not be seen: %s", type(error).__name__)
    except OSError as error:
        raise WrongStore(f"STORAGE_URL leads to a folder that cannot be made: {error.strerror}.") from None
    finally:
        close_old_connections()
