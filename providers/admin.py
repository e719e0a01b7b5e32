"""Provider accounts for staff: keys go in and never come out, switches carry their names."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any

from django import forms
from django.contrib import admin
from django.core.exceptions import ValidationError
from django.http import HttpRequest
from django.utils import timezone

from providers import registry
from providers.models import ProviderAccount, Source
from providers.provider import Setting

PREFIX = "setting_"
FORGET = "-"
"""Typed for a secret, takes it away."""
GIVEN = ("name", "base_url", "max_in_flight", "rpm")
"""What the environment says of its accounts, with their keys."""


class AccountForm(forms.ModelForm):  # type: ignore[type-arg]
    """``key`` is write-only; a field for each of the provider's switches is added by the admin."""

    key = forms.CharField(
        required=False,
        strip=True,
        widget=forms.PasswordInput(attrs={"autocomplete": "off"}),
        help_text="Kept encrypted and never shown again.",
    )

    call_timeout = forms.FloatField(
        required=False,
        min_value=1,
        help_text="The most seconds one call may take, where the provider's own figure is too patient.",
    )

    class Meta:
        model = ProviderAccount
        fields = ("provider", "name", "enabled", "position", "base_url", "max_in_flight", "rpm")
        widgets = {
            "provider": forms.Select(choices=[(one.slug, one.name) for one in registry.profiles()]),
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance.key_hint and "key" in self.fields:
            self.fields["key"].help_text = f"Ends in {self.instance.key_hint}. Leave empty to keep it."
        self.fields["call_timeout"].initial = self.instance.settings.get("call_timeout")
        for setting in self._switches():
            field = self.fields.get(PREFIX + setting.name)
            if field is not None and not setting.secret:
                field.initial = self.instance.settings.get(setting.name, setting.default)
            elif field is not None and setting.name in self.instance.sealed:
                field.help_text = f"Is set, and never shown. Leave empty to keep it; {FORGET} removes it."

    def clean_key(self) -> str:
        return self._matching("key", r"[!-~]*", "Use ASCII letters, digits and signs, without spaces.")

    def clean_base_url(self) -> str:
        return self._matching(
            "base_url",
            r"(https?://[^\s/?#@]+)?/?",
            "Give an address without path, like https://api.runware.ai.",
        ).rstrip("/")

    def _matching(self, name: str, pattern: str, sentence: str) -> str:
        value = str(self.cleaned_data[name])
        if not re.fullmatch(pattern, value):
            raise ValidationError(sentence)
        return value

    def clean(self) -> dict[str, Any]:
        said = super().clean() or {}
        chosen = {
            setting.name: said[PREFIX + setting.name]
            for setting in self._switches()
            if PREFIX + setting.name in said and not setting.secret
        }
        kept = {name: value for name, value in self.instance.settings.items() if name != "call_timeout"}
        patience = {"call_timeout": said["call_timeout"]} if said.get("call_timeout") else {}
        self.instance.settings = {**kept, **chosen, **patience}
        for setting in self._switches():
            if setting.secret and (secret := said.get(PREFIX + setting.name)):
                self.instance.set_secret(setting.name, "" if secret == FORGET else secret)
        try:
            if self.instance.provider:
                registry.provider(self.instance.provider, self.instance.account())
        except ValueError as error:
            raise ValidationError(str(error)) from None
        return said

    def save(self, commit: bool = True) -> ProviderAccount:
        if key := self.cleaned_data.get("key"):
            self.instance.set_key(key)
        saved: ProviderAccount = super().save(commit)
        return saved

    def _switches(self) -> tuple[Setting, ...]:
        return switches(self.instance)


def switches(account: ProviderAccount | None) -> tuple[Setting, ...]:
    """The provider's switches, once it is known which provider it is."""
    return registry.profile(account.provider).settings if account and account.provider else ()


def field_for(setting: Setting) -> forms.Field:
    """A switch as a checkbox or a line of text, with the reason why one would turn it."""
    label = setting.name.replace("_", " ").capitalize()
    if isinstance(setting.default, bool):
        return forms.BooleanField(required=False, label=label, help_text=setting.help)
    if setting.secret:
        typed = forms.PasswordInput(attrs={"autocomplete": "off"})
        return forms.CharField(required=False, label=label, help_text=setting.help, widget=typed)
    return forms.CharField(required=False, label=label, help_text=setting.help)


@admin.register(ProviderAccount)
class ProviderAccountAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    """The connection is tested, and the account switched, on the oversight page."""

    list_display = (
        "name",
        "provider",
        "source",
        "enabled",
        "position",
        "key",
        "paused",
        "why",
    )
    list_filter = ("provider", "source", "enabled")
    health = ("source", "paused", "why", "created_at")

    @admin.display(description="key")
    def key(self, account: ProviderAccount) -> str:
        return f"…{account.key_hint}" if account.key_hint else ("set" if account.sealed_key else "none")

    @admin.display(description="paused until", ordering="paused_until")
    def paused(self, account: ProviderAccount) -> datetime | None:
        return account.paused_until if _rests(account) else None

    @admin.display(description="pause reason", ordering="pause_reason")
    def why(self, account: ProviderAccount) -> str:
        return account.pause_reason if _rests(account) else ""

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        """The form has one more field for each switch; the provider stays as it was chosen."""
        extra: dict[str, Any] = {PREFIX + setting.name: field_for(setting) for setting in switches(obj)}
        if _given(obj):
            extra["key"] = None  # takes the field away
        form = type("AccountForm", (AccountForm,), extra)
        fixed = self.get_readonly_fields(request, obj)
        fields = [name for name in AccountForm.Meta.fields if name not in fixed]
        return forms.modelform_factory(ProviderAccount, form=form, fields=fields)

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        """What the environment says is changed there; the rest is staff's, as in their own accounts."""
        given = ("key", *GIVEN) if _given(obj) else ()
        return ("provider", *given, *self.health) if obj else ()

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        named = ("provider", "name", "key", "base_url", "enabled", "position")
        sections: list[tuple[str | None, dict[str, Any]]] = [(None, {"fields": named})]
        if found := [PREFIX + setting.name for setting in switches(obj)]:
            sections.append(("Switches", {"fields": tuple(found)}))
        limits = "Left empty, the provider's published limits hold."
        limited = ("max_in_flight", "rpm", "call_timeout")
        sections.append(("Limits", {"fields": limited, "description": limits}))
        if obj:
            sections.append(("Health", {"fields": self.health}))
        return sections

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


def _given(account: ProviderAccount | None) -> bool:
    """Whether it is the environment's, or the sandbox's, and not entered by staff."""
    return account is not None and account.source != Source.ADMIN


def _rests(account: ProviderAccount) -> bool:
    """A pause for a given time (429) ends without a word: what was its reason stays on the row."""
    asked_for = account.paused_until is not None and account.paused_until > timezone.now()
    return asked_for or account.pause_level > 0
