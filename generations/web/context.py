"""What every page has around it: who is here, their projects, their credits, light or dark."""

from __future__ import annotations

from functools import cached_property
from typing import Any

from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject

from accounts.actions import as_uuid
from accounts.authentication import principal_of
from accounts.models import Project, User
from accounts.web.profile import THEME_COOKIE, THEMES
from billing import ledger
from billing.models import Wallet
from generations.actions import notices
from providers.models import ProviderAccount, Source


class Chrome:
    """Everything is read when a page shows it, and only then."""

    def __init__(self, request: HttpRequest) -> None:
        self._request = request

    @property
    def user(self) -> User | None:
        user = getattr(self._request, "user", None)
        return user if isinstance(user, User) else None

    @cached_property
    def projects(self) -> list[Project]:
        if self.user is None:
            return []
        mine = Project.objects.visible_to(principal_of(self._request)).filter(archived_at=None)
        return list(mine.order_by("name", "id"))

    @cached_property
    def project(self) -> Project | None:
        """The project named in the address, if it is one of mine."""
        wanted = as_uuid(self._request.GET.get("project", ""))
        return next((project for project in self.projects if project.id == wanted), None)

    @cached_property
    def wallet(self) -> Wallet | None:
        return ledger.wallet_of(self.user) if self.user else None

    @cached_property
    def unread(self) -> int:
        """Notices, up to 99."""
        return notices.unread(principal_of(self._request)) if self.user else 0

    @cached_property
    def sandbox_only(self) -> bool:
        """Whether every account that may be used is a sandbox: no money is real here.

        Where none may be used, whether there is no other at all.
        """
        accounts = ProviderAccount.objects
        sources = _sources(accounts.usable()) or _sources(accounts.all())
        return sources == {Source.SANDBOX}


def _sources(accounts: QuerySet[ProviderAccount]) -> set[str]:
    return set(accounts.order_by().values_list("source", flat=True).distinct())


def chrome(request: HttpRequest) -> dict[str, Any]:
    """The context processor."""
    theme = request.COOKIES.get(THEME_COOKIE, "")
    return {
        "chrome": SimpleLazyObject(lambda: Chrome(request)),
        "theme": theme if theme in THEMES else "",
    }
