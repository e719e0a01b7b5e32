"""How allauth behaves here: nobody signs themselves up; links are shown where no mail is sent."""

from __future__ import annotations

from typing import Any, ClassVar
from urllib.parse import urlsplit

from allauth.account.adapter import DefaultAccountAdapter
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured, PermissionDenied
from django.http import HttpRequest, HttpResponseBase
from django.utils.translation import gettext_lazy

from accounts.models import User
from accounts.web.profile import remember_language


class AccountAdapter(DefaultAccountAdapter):  # type: ignore[misc]
    """People are made by ``manage.py create_user`` or invited; there is no open sign-up."""

    error_messages: ClassVar[dict[str, Any]] = {
        **DefaultAccountAdapter.error_messages,
        "enter_current_password": gettext_lazy("That is not your present password."),
    }

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return False

    def get_client_ip(self, request: HttpRequest) -> str:
        """The address by which tries to sign in are counted. Raises PermissionDenied if there is none."""
        try:
            address: str = super().get_client_ip(request)
        except ImproperlyConfigured:  # what allauth raises for whoever came past one of our proxies
            raise PermissionDenied from None
        return address

    def get_reset_password_from_key_url(self, key: str) -> str:
        """At PUBLIC_URL: who asks for a link must not choose, by a Host header, where it leads."""
        path = urlsplit(super().get_reset_password_from_key_url(key)).path
        return f"{settings.PUBLIC_URL}{path}"

    def post_login(self, request: HttpRequest, user: User, **more: object) -> HttpResponseBase:
        """A browser that is new to somebody speaks the language they once chose."""
        answer: HttpResponseBase = super().post_login(request, user, **more)
        if user.language:
            remember_language(answer, user.language)
        return answer
