"""People, projects and keys for staff. What people do goes through actions; the rest is read."""

from __future__ import annotations

from typing import Any

from allauth.account.decorators import secure_admin_login
from allauth.account.forms import default_token_generator
from allauth.account.models import EmailAddress
from allauth.account.utils import user_pk_to_url_str
from django import forms
from django.conf import settings
from django.contrib import admin, messages
from django.contrib.auth.models import Group
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext as _

from accounts import actions
from accounts.errors import Refusal
from accounts.models import ApiKey, AuditEvent, Membership, Project, User
from accounts.principal import Principal

admin.site.site_header = admin.site.site_title = "Seedbank"
# Its own form would count no tries: staff sign in where everybody does.
admin.site.login = secure_admin_login(admin.site.login)  # type: ignore[method-assign]
for model in (Group, EmailAddress):
    admin.site.unregister(model)


class ReadOnly(admin.ModelAdmin):  # type: ignore[type-arg]
    """Shown, never edited."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class NewUserForm(forms.ModelForm):  # type: ignore[type-arg]
    password = forms.CharField(widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}))

    class Meta:
        model = User
        fields = ("email", "name", "is_staff")

    def clean(self) -> dict[str, Any]:
        """Makes the person as every other way does: with a verified address and a project."""
        said = super().clean() or {}
        if self.errors:
            return said
        try:
            self.instance = actions.create_user(
                email=said["email"],
                password=said["password"],
                staff=said["is_staff"],
                name=said["name"],
            )
        except Refusal as refusal:
            raise ValidationError(refusal.fields or refusal.message) from None
        return said

    def _post_clean(self) -> None:
        """Nothing is left to copy or to check: the action has done both."""

    def save(self, commit: bool = True) -> User:
        made: User = self.instance
        return made

    def save_m2m(self) -> None:
        """The action has done this, too."""


@admin.register(User)
class UserAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    list_display = ("email", "name", "is_staff", "is_active", "date_joined", "last_login")
    list_filter = ("is_staff", "is_active")
    search_fields = ("email", "name")
    ordering = ("email",)
    fields = ("email", "name", "is_staff", "is_active", "date_joined", "last_login")
    readonly_fields = ("email", "date_joined", "last_login")
    actions = ("show_password_link",)

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        return super().get_form(request, obj, change, **kwargs) if obj else NewUserForm

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return super().get_fields(request, obj) if obj else ("email", "name", "password", "is_staff")

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return super().get_readonly_fields(request, obj) if obj else ()

    def save_model(self, request: HttpRequest, obj: User, form: Any, change: bool) -> None:
        """A new person is kept already; whoever is made staff may do everything in the admin."""
        if change:
            obj.is_superuser = obj.is_staff
            obj.save(update_fields=["name", "is_staff", "is_superuser", "is_active"])
            actions.audit(_user(request), "update_user", obj.id, changed=form.changed_data)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    @admin.action(description="Show a link by which they can set a password")
    def show_password_link(self, request: HttpRequest, queryset: QuerySet[User]) -> None:
        """For servers that send no mail. The link works once and for a short time."""
        for user in queryset[:20]:
            key = f"{user_pk_to_url_str(user)}-{default_token_generator.make_token(user)}"
            uidb36, _dash, token = key.partition("-")
            path = reverse("account_reset_password_from_key", kwargs={"uidb36": uidb36, "key": token})
            actions.audit(_user(request), "show_password_link", user.id)
            self.message_user(request, f"{user}: {settings.PUBLIC_URL}{path}", messages.WARNING)


class MembershipInline(admin.TabularInline):  # type: ignore[type-arg]
    model = Membership
    extra = 0
    can_delete = False
    fields = readonly_fields = ("user", "role", "created_at")

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(Project)
class ProjectAdmin(ReadOnly):
    list_display = ("name", "id", "created_at", "archived_at")
    search_fields = ("name", "id")
    inlines = (MembershipInline,)


@admin.register(ApiKey)
class ApiKeyAdmin(ReadOnly):
    list_display = (
        *("name", "user", "prefix", "scopes", "project", "networks"),
        *("last_used_at", "expires_at", "revoked_at"),
    )
    list_select_related = ("user", "project")
    search_fields = ("name", "prefix", "user__email")
    actions = ("revoke",)

    @admin.action(description="Revoke: the key stops working at once")
    def revoke(self, request: HttpRequest, queryset: QuerySet[ApiKey]) -> None:
        live = queryset.filter(revoked_at=None).select_related("user")
        for key in live:
            actions.revoke_api_key(principal=Principal(key.user), key_id=key.id)
            actions.audit(_user(request), "revoke_api_key", key.id, by="staff")
        self.message_user(request, _("The keys no longer work."))

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return bool(request.user.is_staff)


@admin.register(AuditEvent)
class AuditEventAdmin(ReadOnly):
    list_display = ("at", "actor", "verb", "subject")
    list_filter = ("verb",)
    search_fields = ("subject", "actor__email")
    list_select_related = ("actor",)
    ordering = ("-id",)


def _user(request: HttpRequest) -> User:
    assert isinstance(request.user, User)
    return request.user
