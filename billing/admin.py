"""The books for staff: read everywhere; credit is granted and prices are set by adding, never by changing."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import URLPattern, path, reverse
from django.utils.text import capfirst
from django.utils.translation import gettext as _

from accounts.actions import audit
from accounts.admin import ReadOnly
from accounts.errors import Refusal
from accounts.models import User
from billing import budgets, ledger
from billing.models import Budget, Hold, Price, Transfer, TransferKind, Wallet
from billing.money import dollars, micros


def read_dollars(text: str) -> int:
    """Whole micro-dollars of what was typed. Raises ValidationError."""
    try:
        return micros(text)
    except ValueError as error:
        raise ValidationError(capfirst(str(error))) from None


def money(column: str, label: str = "") -> Any:
    """A column of micro-dollars, shown in dollars."""

    @admin.display(description=label or column, ordering=column)
    def shown(_admin: Any, row: Any) -> str:
        value = getattr(row, column)
        return "–" if value is None else f"${dollars(value)}"

    return shown


Verb = Callable[..., tuple[Transfer, bool]]
"""Of the ledger, that gives credit or takes it back."""


class CreditForm(forms.Form):
    """``key`` was minted with the page: sent twice, it gives or takes back once."""

    user = forms.ModelChoiceField(User.objects.filter(is_active=True).order_by("email"), label="Person")
    amount = forms.CharField(label="US dollars", help_text="Such as 20 or 0.50")
    memo = forms.CharField(max_length=500, help_text="What for; the person reads it in the wallet")
    key = forms.UUIDField(widget=forms.HiddenInput)

    def clean_amount(self) -> int:
        return read_dollars(self.cleaned_data["amount"])


@admin.register(Wallet)
class WalletAdmin(ReadOnly):
    list_display = ("user", "available_", "held_", "spent_", "granted_")
    list_select_related = ("user",)
    search_fields = ("user__email",)
    change_list_template = "admin/billing/wallet/change_list.html"
    available_ = money("available")
    held_ = money("held")
    spent_ = money("spent")
    granted_ = money("granted")

    def get_urls(self) -> list[URLPattern]:
        mine = [
            path(f"{verb}/", self.admin_site.admin_view(view), name=f"billing_wallet_{verb}")
            for verb, view in (("grant", self.grant), ("revoke", self.revoke))
        ]
        return [*mine, *super().get_urls()]

    def grant(self, request: HttpRequest) -> HttpResponse:
        """Give somebody credit."""
        return self._credit(request, ledger.grant, _("Grant credit"), "granted to")

    def revoke(self, request: HttpRequest) -> HttpResponse:
        """Take back credit that is neither held nor spent."""
        return self._credit(request, ledger.revoke, _("Take back credit"), "taken back from")

    def _credit(self, request: HttpRequest, verb: Verb, title: str, done: str) -> HttpResponse:
        form = CreditForm(
            request.POST or None, initial={"key": uuid.uuid4(), "user": request.GET.get("user")}
        )
        if request.method == "POST" and form.is_valid() and self._credited(request, form, verb, done):
            return redirect(reverse("admin:billing_wallet_changelist"))
        context = {**self.admin_site.each_context(request), "form": form, "title": title, "opts": self.opts}
        return render(request, "admin/billing/wallet/credit.html", context)

    def _credited(self, request: HttpRequest, form: CreditForm, verb: Verb, done: str) -> bool:
        said = form.cleaned_data
        actor = request.user if isinstance(request.user, User) else None
        try:
            transfer, fresh = verb(
                user=said["user"], amount=said["amount"], memo=said["memo"], actor=actor, key=str(said["key"])
            )
        except Refusal as refusal:
            form.add_error(None, refusal.message)
            return False
        amount = dollars(said["amount"])
        if fresh:
            audit(actor, transfer.kind, transfer.id, user=str(said["user"].id), amount=amount)
        self.message_user(request, f"${amount} {done} {said['user']}.", messages.SUCCESS)
        return True


@admin.register(Transfer)
class TransferAdmin(ReadOnly):
    list_display = (
        "created_at",
        "kind",
        "amount_",
        "wallet",
        "provider",
        "sandbox",
        "pictures",
        "cost_",
        "memo",
    )
    list_filter = ("kind", "provider", "sandbox")
    search_fields = ("generation_id", "memo", "wallet__user__email")
    list_select_related = ("wallet__user",)
    ordering = ("-id",)
    amount_ = money("amount")
    cost_ = money("provider_cost", "gateway's cost")
    actions = ("refund",)

    @admin.action(description="Refund captures: give back all that they took")
    def refund(self, request: HttpRequest, queryset: QuerySet[Transfer]) -> None:
        """Each at most once, whoever presses, and however often."""
        actor = request.user if isinstance(request.user, User) else None
        for capture in queryset.filter(kind=TransferKind.CAPTURE).select_related("wallet__user"):
            left = capture.amount - sum(capture.reversals.values_list("amount", flat=True))
            why, once = "refunded by staff", f"all:{capture.id}"
            try:
                made = ledger.refund(capture=capture, amount=left, memo=why, actor=actor, key=once)
            except Refusal:
                self.message_user(request, f"{capture.id} was refunded already.", messages.WARNING)
                continue
            audit(actor, "refund", made.id, capture=str(capture.id), amount=dollars(left))
            whom = capture.wallet.user if capture.wallet else "nobody"
            self.message_user(request, f"${dollars(left)} given back to {whom}.", messages.SUCCESS)


@admin.register(Hold)
class HoldAdmin(ReadOnly):
    list_display = ("opened_at", "wallet", "amount_", "captured_", "refunded_", "settled_at", "generation_id")
    list_filter = (("settled_at", admin.EmptyFieldListFilter),)
    search_fields = ("generation_id", "wallet__user__email")
    list_select_related = ("wallet__user",)
    ordering = ("-id",)
    amount_ = money("amount")
    captured_ = money("captured")
    refunded_ = money("refunded")


class PriceForm(forms.ModelForm):  # type: ignore[type-arg]
    dollars = forms.CharField(
        required=False,
        label="US dollars per picture",
        help_text="Such as 0.035. Empty takes the offer off sale.",
    )

    class Meta:
        model = Price
        fields = ("model", "provider", "effective_from", "memo")

    def clean_dollars(self) -> int | None:
        text = self.cleaned_data["dollars"]
        unit = read_dollars(text) if text else None
        if unit is not None and unit < 0:
            raise ValidationError("Must not be negative.")
        return unit


@admin.register(Price)
class PriceAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    """A new version is added; the old ones stay as they were, because people were charged by them."""

    form = PriceForm
    list_display = ("model", "provider", "unit_", "effective_from", "actor", "memo")
    list_filter = ("model", "provider")
    list_select_related = ("actor",)
    ordering = ("model", "provider", "-effective_from")
    unit_ = money("unit", "per picture")

    def save_model(self, request: HttpRequest, obj: Price, form: Any, change: bool) -> None:
        obj.unit = form.cleaned_data["dollars"]
        obj.actor = request.user if isinstance(request.user, User) else None
        super().save_model(request, obj, form, change)
        audit(obj.actor, "set_price", f"{obj.model}@{obj.provider}", unit=obj.unit)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class BudgetForm(forms.ModelForm):  # type: ignore[type-arg]
    dollars = forms.CharField(label="US dollars per period", help_text="Such as 50.00. 0 stops all spending.")

    class Meta:
        model = Budget
        fields = ("scope", "subject_id", "every")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance.pk and self.instance.amount is not None:
            self.fields["dollars"].initial = dollars(self.instance.amount)

    def clean_dollars(self) -> int:
        amount = read_dollars(self.cleaned_data["dollars"])
        if amount < 0:
            raise ValidationError("Must not be negative.")
        return amount


@admin.register(Budget)
class BudgetAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    """A limit on spending; lowering it below what is used lets running work end and stops new work."""

    form = BudgetForm
    list_display = ("scope", "subject_id", "every", "amount_")
    list_filter = ("scope", "every")
    search_fields = ("subject_id",)
    amount_ = money("amount")

    def save_model(self, request: HttpRequest, obj: Budget, form: Any, change: bool) -> None:
        obj.amount = form.cleaned_data["dollars"]
        with transaction.atomic():
            super().save_model(request, obj, form, change)
            if not change:
                budgets.count_in(obj)
        actor = request.user if isinstance(request.user, User) else None
        audit(actor, "set_budget", f"{obj.scope} {obj.subject_id}", every=obj.every, amount=obj.amount)
