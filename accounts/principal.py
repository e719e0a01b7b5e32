"""Who is asking: a person in the browser, or a key acting for a person."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from uuid import UUID

if TYPE_CHECKING:
    from accounts.models import ApiKey, User


@dataclass(frozen=True, slots=True)
class Principal:
    """A user, and the key they act through, if any."""

    user: User
    key: ApiKey | None = None

    @property
    def project_id(self) -> UUID | None:
        """The only project this principal may touch, or None for all of the person's."""
        return self.key.project_id if self.key else None

    def may(self, scope: str) -> bool:
        return self.key is None or scope in self.key.scopes
