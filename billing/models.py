"""Credits. Every balance follows from transfers; ``billing.ledger`` is their only writer.

All amounts are whole micro-dollars (1 USD = 1,000,000).
"""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _
from uuid6 import uuid7

from accounts.models import User


class Wallet(models.Model):
    """A person's credits. ``granted = available + held + spent``, and none is ever negative."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    user = models.OneToOneField(User, on_delete=models.PROTECT, related_name="wallet")
    granted = models.BigIntegerField(default=0, editable=False)
    available = models.BigIntegerField(default=0, editable=False)
    held = models.BigIntegerField(default=0, editable=False)
    spent = models.BigIntegerField(default=0, editable=False)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(granted=F("available") + F("held") + F("spent")), name="wallet_adds_up"
            ),
            models.CheckConstraint(condition=Q(available__gte=0), name="wallet_never_overdrawn"),
            models.CheckConstraint(condition=Q(held__gte=0), name="wallet_held_not_negative"),
            models.CheckConstraint(condition=Q(spent__gte=0), name="wallet_spent_not_negative"),
        ]

    def __str__(self) -> str:
        return f"{self.user}"


class HoldQuerySet(models.QuerySet["Hold"]):
    def open(self) -> HoldQuerySet:
        return self.filter(settled_at=None)


HoldManager = models.Manager.from_queryset(HoldQuerySet)


class Hold(models.Model):
    """Credits set aside for one generation: opened once, settled once."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    wallet = models.ForeignKey(Wallet, on_delete=models.PROTECT, related_name="holds")
    generation_id = models.UUIDField(unique=True, help_text="What the credits are for")
    project_id = models.UUIDField(help_text="Where it is made")
    amount = models.BigIntegerField()
    captured = models.BigIntegerField(default=0)
    refunded = models.BigIntegerField(default=0)
    sandbox = models.BooleanField(db_default=False, help_text="For samples: no real money")
    opened_at = models.DateTimeField(db_default=Now(), editable=False)
    settled_at = models.DateTimeField(null=True, editable=False)

    objects = HoldManager()

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(amount__gt=0), name="hold_of_something"),
            models.CheckConstraint(
                condition=Q(captured__gte=0, captured__lte=F("amount")), name="hold_captures_within"
            ),
            models.CheckConstraint(
                condition=Q(refunded__gte=0, refunded__lte=F("captured")), name="hold_refunds_within"
            ),
            models.CheckConstraint(
                condition=Q(settled_at__isnull=False) | Q(captured=0), name="hold_open_captures_nothing"
            ),
        ]
        indexes = [models.Index(fields=["wallet"], condition=Q(settled_at=None), name="hold_open")]

    def __str__(self) -> str:
        return f"hold for {self.generation_id}"


class TransferKind(models.TextChoices):
    """What a transfer does: from where, to where."""

    GRANT = "grant", _("Granted")
    REVOKE = "revoke", _("Taken back")
    HOLD = "hold", _("Reserved")
    CAPTURE = "capture", _("Spent")
    RELEASE = "release", _("Given back")
    REFUND = "refund", _("Refunded")
    ABSORB = "absorb", _("Paid by the platform")


class TransferQuerySet(models.QuerySet["Transfer"]):
    def of_user(self, user: User) -> TransferQuerySet:
        return self.filter(wallet__user=user)


TransferManager = models.Manager.from_queryset(TransferQuerySet)


class Transfer(models.Model):
    """One immutable movement of credits: one source, one target, one amount.

    Triggers refuse UPDATE, DELETE and TRUNCATE; a correction is another transfer.
    ``provider_cost`` is what the provider took for the same pictures, beside what the person was
    charged: as it said (``provider_cost_raw``), else by its published price. ``elsewhere_cost`` is what it
    billed to a key of ours attached there, and so not to us. Absorbed costs belong to no wallet.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    kind = models.CharField(max_length=8, choices=TransferKind.choices)
    wallet = models.ForeignKey(Wallet, null=True, on_delete=models.PROTECT, related_name="transfers")
    hold = models.ForeignKey(Hold, null=True, on_delete=models.PROTECT, related_name="transfers")
    source = models.CharField(max_length=60)
    target = models.CharField(max_length=60)
    amount = models.BigIntegerField()
    reverses = models.ForeignKey("self", null=True, on_delete=models.PROTECT, related_name="reversals")
    key = models.CharField(max_length=200, null=True)  # noqa: DJ001 - NULLs are not unique, '' would be
    memo = models.CharField(max_length=500, blank=True)
    actor = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+")
    generation_id = models.UUIDField(null=True)
    project_id = models.UUIDField(null=True)
    provider = models.CharField(max_length=30, blank=True)
    model = models.CharField(max_length=100, blank=True)
    pictures = models.PositiveIntegerField(default=0)
    provider_cost = models.BigIntegerField(null=True)
    provider_cost_raw = models.CharField(max_length=200, blank=True)
    elsewhere_cost = models.BigIntegerField(null=True)
    sandbox = models.BooleanField(db_default=False, help_text="For samples: no real money")
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    objects = TransferManager()

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(amount__gt=0), name="transfer_of_something"),
            models.CheckConstraint(condition=~Q(source=F("target")), name="transfer_goes_somewhere"),
            models.CheckConstraint(condition=Q(kind__in=TransferKind.values), name="transfer_kind_known"),
            models.CheckConstraint(
                condition=Q(kind__in=["grant", "revoke", "absorb"]) | Q(hold__isnull=False),
                name="transfer_names_its_hold",
            ),
            models.CheckConstraint(
                condition=Q(kind="absorb") | Q(wallet__isnull=False), name="transfer_names_its_wallet"
            ),
            models.UniqueConstraint(fields=["key"], name="transfer_key_once"),
            models.UniqueConstraint(fields=["hold"], condition=Q(kind="hold"), name="hold_held_once"),
            models.UniqueConstraint(fields=["hold"], condition=Q(kind="release"), name="hold_released_once"),
            models.UniqueConstraint(
                fields=["hold", "provider"], condition=Q(kind="capture"), name="hold_captured_once"
            ),
        ]
        indexes = [
            models.Index(fields=["wallet", "-id"], name="transfer_of_wallet"),
            models.Index(fields=["created_at"], condition=Q(kind="capture"), name="transfer_spend"),
            models.Index(
                fields=["project_id", "created_at"], condition=Q(kind="capture"), name="transfer_project"
            ),
            models.Index(fields=["generation_id"], name="transfer_generation"),
            models.Index(fields=["created_at"], condition=Q(kind="absorb"), name="transfer_absorbed"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.amount}"


class PriceQuerySet(models.QuerySet["Price"]):
    def in_force(self) -> PriceQuerySet:
        """The newest version for each model and provider that has begun."""
        return (
            self.filter(effective_from__lte=Now())
            .order_by("model", "provider", "-effective_from", "-id")
            .distinct("model", "provider")
        )


PriceManager = models.Manager.from_queryset(PriceQuerySet)


class Price(models.Model):
    """What one picture costs people at one provider, from a moment on. Versions are added, never changed.

    ``unit`` is micro-dollars per picture; null takes the offer off sale.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    model = models.CharField(max_length=100)
    provider = models.CharField(max_length=30)
    unit = models.BigIntegerField(null=True)
    effective_from = models.DateTimeField(db_default=Now())
    memo = models.CharField(max_length=500, blank=True)
    actor = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    objects = PriceManager()

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(unit__isnull=True) | Q(unit__gte=0), name="price_not_negative")
        ]
        indexes = [models.Index(fields=["model", "provider", "-effective_from"], name="price_in_force")]

    def __str__(self) -> str:
        return f"{self.model}@{self.provider}: {self.unit}"


class Subject(models.TextChoices):
    """Whose spending a budget limits."""

    PERSON = "person", _("Person")
    PROJECT = "project", _("Project")
    KEY = "key", _("API key")


class Every(models.TextChoices):
    """How often a budget begins anew, at midnight UTC."""

    DAY = "day", _("Day")
    MONTH = "month", _("Month")
    EVER = "ever", _("In all")


class Budget(models.Model):
    """The most that one person, project or key may spend in a period, in micro-dollars."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    scope = models.CharField(max_length=7, choices=Subject.choices)
    subject_id = models.UUIDField(help_text="The person's, project's or key's id")
    every = models.CharField(max_length=5, choices=Every.choices, default=Every.MONTH)
    amount = models.BigIntegerField(help_text="Micro-dollars")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["scope", "subject_id", "every"], name="budget_once"),
            models.CheckConstraint(condition=Q(amount__gte=0), name="budget_not_negative"),
        ]

    def __str__(self) -> str:
        return f"{self.scope} {self.subject_id} per {self.every}"


class BudgetPeriod(models.Model):
    """One day or month of a budget: what running work has reserved, and what was used."""

    budget = models.ForeignKey(Budget, on_delete=models.CASCADE, related_name="periods")
    starts_on = models.DateField()
    reserved = models.BigIntegerField(default=0)
    used = models.BigIntegerField(default=0)
    holds: models.ManyToManyField[Hold, models.Model] = models.ManyToManyField(Hold, related_name="periods")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["budget", "starts_on"], name="budget_period_once"),
            models.CheckConstraint(
                condition=Q(reserved__gte=0, used__gte=0), name="budget_period_not_negative"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.budget_id} from {self.starts_on}"
