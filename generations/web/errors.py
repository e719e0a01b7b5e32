"""Pages for what went wrong: one sentence and one next step each."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.template.loader import render_to_string
from django.urls import is_valid_path
from django.utils.translation import gettext as _


def bad_request(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    return _page(
        request, 400, _("That cannot be read"), _("The browser sent something this page does not know.")
    )


def forbidden(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    return _page(
        request, 403, _("Not yours to open"), _sentence(exception) or _("Ask an owner of the project.")
    )


def not_found(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    return _page(
        request,
        404,
        _("Nothing is here"),
        _("It does not exist, or it belongs to a project you are not a member of."),
    )


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    return _page(
        request,
        403,
        _("This form is too old"),
        _("You signed in or out since it was opened. Go back, reload the page and send it again."),
    )


def server_error(request: HttpRequest) -> HttpResponse:
    """Asks neither the database nor the session: they may be what is broken."""
    return HttpResponse(render_to_string("500.html"), status=500)


def try_again(sentence: str, headers: Mapping[str, str]) -> HttpResponse:
    """What we stand on is away for a moment; as careful as ``server_error``."""
    return HttpResponse(render_to_string("503.html", {"sentence": sentence}), status=503, headers={**headers})


def led_up(request: HttpRequest) -> HttpResponse:
    """To the page that an address of a form belongs to: the nearest above it, else home."""
    steps = request.path_info.strip("/").split("/")
    above = ("/" + "/".join(steps[:count]) for count in range(len(steps) - 1, -1, -1))
    return redirect(next(filter(is_valid_path, above)))


def _page(request: HttpRequest, status: int, title: str, sentence: str) -> HttpResponse:
    context: dict[str, Any] = {"title": title, "sentence": sentence, "status": status}
    return render(request, "error.html", context, status=status)


def _sentence(exception: Exception | None) -> str:
    return str(exception) if exception and str(exception).endswith((".", "。")) else ""
