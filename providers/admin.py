"""Provider accounts for staff: keys go in and never come out, switches carry their names."""

from __future__ import annotations

import re
from typing import Any

from django import forms
from django.contrib import admin
from django.core.exceptions import ValidationError
from django.http import HttpRequest

from providers import registry
from providers.models import ProviderAccount, Source
from providers.provider import Setting

PREFIX = "setting_"


class AccountForm(forms.ModelForm):  # type: ignore[type-arg]
    """``key`` is write-only; a field for each of the provider's switches is added by the admin."""

    key = forms.CharField(
        required=False,
        strip=True,
        widget=forms.PasswordInput(attrs={"autocomplete": "off"}),
        help_text="Kept encrypted and never shown again.",
    )

    class Meta:
        model = ProviderAccount
        fields = ("provider", "name", "enabled", "position", "base_url", "max_in_flight", "rpm")
        widgets = {
            "provider": forms.Select(choices=[(one.slug, one.name) for one in registry.profiles()]),
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance.key_hint:
            self.fields["key"].help_text = f"Ends in {self.instance.key_hint}. Leave empty to keep it."
        for setting in self._switches():
            if (field := self.fields.get(PREFIX + setting.name)) is not None:
                field.initial = self.instance.settings.get(setting.name, setting.default)

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
            if PREFIX + setting.name in said
        }
        self.instance.settings = {**self.instance.settings, **chosen}
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
        "paused_until",
        "pause_reason",
    )
    list_filter = ("provider", "source", "enabled")
    health = ("source", "paused_until", "pause_reason", "created_at")

    @admin.display(description="key")
    def key(self, account: ProviderAccount) -> str:
        return f"…{account.key_hint}" if account.key_hint else ("set" if account.sealed_key else "none")

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        """The form has a field more for each switch; whose account it is, stays as it was made."""
        extra = {PREFIX + setting.name: field_for(setting) for setting in switches(obj)}
        form = type("AccountForm", (AccountForm,), extra)
        fields = [name for name in AccountForm.Meta.fields if not (obj and name == "provider")]
        return forms.modelform_factory(ProviderAccount, form=form, fields=fields)

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return ("provider", *self.health) if obj else ()

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        named = ("provider", "name", "key", "base_url", "enabled", "position")
        sections: list[tuple[str | None, dict[str, Any]]] = [(None, {"fields": named})]
        if found := [PREFIX + setting.name for setting in switches(obj)]:
            sections.append(("Switches", {"fields": tuple(found)}))
        limits = "Left empty, the provider's published limits hold."
        sections.append(("Limits", {"fields": ("max_in_flight", "rpm"), "description": limits}))
        if obj:
            sections.append(("Health", {"fields": self.health}))
        return sections

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """What the environment says is changed there; the sandbox is as it is."""
        if obj is not None and obj.source != Source.ADMIN:
            return False
        return super().has_change_permission(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False
