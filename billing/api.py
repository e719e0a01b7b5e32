"""A person's wallet, over HTTP."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.describe import PAGED, described, money, page_of
from accounts.endpoint import Endpoint
from accounts.models import User
from accounts.paging import PAGING, page
from billing.ledger import wallet_of
from billing.models import Transfer, TransferKind
from billing.money import dollars


class WalletAnswer(serializers.Serializer[Any]):
    object = serializers.CharField(help_text="wallet")
    available = money("What may be spent")
    held = money("What running work has set aside")
    spent = money("What pictures have cost")
    granted = money("What was given; available, held and spent together")
    currency = serializers.CharField(help_text="USD")


class TransferAnswer(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    object = serializers.CharField(help_text="transfer")
    kind = serializers.ChoiceField(TransferKind.choices)
    amount = money()
    source = serializers.CharField()  # type: ignore[assignment]
    target = serializers.CharField()
    generation = serializers.UUIDField(allow_null=True)
    project = serializers.UUIDField(allow_null=True)
    provider = serializers.CharField()
    model = serializers.CharField()
    images = serializers.IntegerField()
    sandbox = serializers.BooleanField(help_text="For samples of the sandbox: no real money")
    memo = serializers.CharField()
    created_at = serializers.DateTimeField()


class MyWallet(Endpoint):
    """Credits."""

    @described("get_wallet", "My balance", {200: WalletAnswer})
    def get(self, request: Request) -> Response:
        return Response(wallet_json(self.principal.user))


class Transfers(Endpoint):
    """Every movement of credits."""

    filters = PAGING

    @described(
        "list_transfers",
        "Every movement of my credits",
        {200: page_of(TransferAnswer, "TransferPage")},
        query=PAGED,
    )
    def get(self, request: Request) -> Response:
        mine = Transfer.objects.of_user(self.principal.user)
        if self.principal.project_id:
            mine = mine.filter(project_id=self.principal.project_id)
        return page(request, self.query, mine, lambda rows: [transfer_json(row) for row in rows])


def wallet_json(user: User) -> dict[str, Any]:
    wallet = wallet_of(user)
    return {
        "object": "wallet",
        "available": dollars(wallet.available),
        "held": dollars(wallet.held),
        "spent": dollars(wallet.spent),
        "granted": dollars(wallet.granted),
        "currency": "USD",
    }


def transfer_json(transfer: Transfer) -> dict[str, Any]:
    return {
        "id": transfer.id,
        "object": "transfer",
        "kind": transfer.kind,
        "amount": dollars(transfer.amount),
        "source": transfer.source,
        "target": transfer.target,
        "generation": transfer.generation_id,
        "project": transfer.project_id,
        "provider": transfer.provider,
        "model": transfer.model,
        "images": transfer.pictures,
        "sandbox": transfer.sandbox,
        "memo": transfer.memo,
        "created_at": transfer.created_at,
    }
