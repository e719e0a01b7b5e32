"""The shapes of what the API says and hears, for its description."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from accounts.describe import money
from accounts.models import Role, Scope
from billing.api import WalletAnswer
from generations.models import AssetKind, Relation
from generations.states import GenerationStatus
from providers.values import ASPECTS, DELIVERIES, FORMATS, OPTIMIZATIONS, OUTPUTS, RESOLUTIONS, STRATEGIES


def _texts(words: str) -> serializers.ListField:
    return serializers.ListField(child=serializers.CharField(), required=False, help_text=words)


class GenerationBody(serializers.Serializer[Any]):
    """What to make. Only ``model`` and ``prompt`` are needed."""

    project = serializers.UUIDField(required=False, allow_null=True)
    model = serializers.CharField(default="seedream-5-lite")
    provider = serializers.CharField(default="auto", help_text="`auto` or a provider's slug")
    strategy = serializers.ChoiceField(STRATEGIES, default="cheapest")
    prompt = serializers.CharField(max_length=8000)
    negative_prompt = serializers.CharField(required=False, allow_null=True)
    count = serializers.IntegerField(min_value=1, max_value=20, default=1)
    aspect_ratio = serializers.ChoiceField(list(ASPECTS), required=False, allow_null=True)
    resolution = serializers.ChoiceField(RESOLUTIONS, required=False, allow_null=True)
    width = serializers.IntegerField(required=False, allow_null=True, help_text="Pixels, with `height`")
    height = serializers.IntegerField(required=False, allow_null=True)
    seed = serializers.IntegerField(min_value=0, required=False, allow_null=True)
    references = _texts("`asset:<id>`, a data:image/… URI, or an https:// address; up to 14")
    sequential = serializers.IntegerField(min_value=1, max_value=15, required=False, allow_null=True)
    output_format = serializers.ChoiceField(FORMATS, required=False, allow_null=True)
    output_quality = serializers.IntegerField(min_value=20, max_value=99, required=False, allow_null=True)
    safety_check = serializers.BooleanField(required=False, allow_null=True)
    prompt_optimization = serializers.ChoiceField(OPTIMIZATIONS, required=False, allow_null=True)
    max_price = serializers.CharField(
        required=False, allow_null=True, help_text="US dollars for all pictures"
    )
    delivery = serializers.ChoiceField(DELIVERIES, required=False, allow_null=True)
    output = serializers.ChoiceField(OUTPUTS, required=False, allow_null=True)
    ttl = serializers.IntegerField(required=False, allow_null=True, help_text="Seconds the gateway keeps it")
    include_cost = serializers.BooleanField(default=True)
    upload_urls = _texts("Where the gateway is to put each picture as well; told to it alone")
    source = serializers.CharField(  # type: ignore[assignment]  # serializers have an attribute of this name
        required=False, allow_null=True, help_text="`asset:<id>` it sets out from"
    )
    relation = serializers.ChoiceField(
        Relation.choices, required=False, allow_null=True, help_text="What it is to its source"
    )
    tags = _texts("At most 50")
    metadata = serializers.DictField(required=False)


class PriceAnswer(serializers.Serializer[Any]):
    quoted = money("The most it can cost")
    held = money("Set aside for it now")
    charged = money("What it cost")
    currency = serializers.CharField()


class CauseAnswer(serializers.Serializer[Any]):
    code = serializers.CharField()
    message = serializers.CharField()


class AssetAnswer(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    object = serializers.CharField(help_text="asset")
    kind = serializers.ChoiceField(AssetKind.choices)
    project = serializers.UUIDField()
    user = serializers.UUIDField()
    generation = serializers.UUIDField(allow_null=True)
    url = serializers.URLField(help_text="The bytes; needs the same credentials as this answer")
    thumbnail_url = serializers.URLField()
    width = serializers.IntegerField()
    height = serializers.IntegerField()
    format = serializers.CharField(help_text="Of the original, which is kept as it came")
    bytes = serializers.IntegerField()
    sha256 = serializers.CharField()
    seed = serializers.IntegerField(allow_null=True)
    name = serializers.CharField()
    prompt = serializers.CharField()
    revised_prompt = serializers.CharField(allow_null=True)
    provider = serializers.CharField(allow_null=True)
    model = serializers.CharField(allow_null=True)
    charged = money("What this picture cost")
    tags = serializers.ListField(child=serializers.CharField())
    rating = serializers.IntegerField(help_text="1 to 5, the team's; 0 is not rated")
    favorite_of = serializers.ListField(child=serializers.UUIDField(), help_text="Whose favourite it is")
    copied_from = serializers.UUIDField(allow_null=True)
    flagged = serializers.BooleanField(help_text="The gateway's safety check marked it")
    late = serializers.BooleanField(help_text="It came after its generation had ended, and was free")
    sandbox = serializers.BooleanField(help_text="Drawn by the sandbox, not by a model")
    created_at = serializers.DateTimeField()
    trashed_at = serializers.DateTimeField(allow_null=True)


class AssetBody(serializers.Serializer[Any]):
    name = serializers.CharField(required=False, max_length=255)
    tags = _texts("At most 50; replaces those it has")
    rating = serializers.IntegerField(required=False, min_value=0, max_value=5, help_text="0 takes it away")
    favorite = serializers.BooleanField(required=False, help_text="Mine; a viewer may say so too")


class UploadBody(serializers.Serializer[Any]):
    file = serializers.FileField(help_text="PNG, JPEG, WebP or AVIF, at most 64 MB")
    project = serializers.UUIDField(required=False)
    name = serializers.CharField(required=False)
    tags = _texts("May be repeated")


class GenerationAnswer(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    object = serializers.CharField(help_text="generation")
    status = serializers.ChoiceField(GenerationStatus.choices)
    progress = serializers.IntegerField(allow_null=True, help_text="Per cent, as far as the gateway tells")
    project = serializers.UUIDField()
    user = serializers.UUIDField()
    model = serializers.CharField()
    provider = serializers.CharField()
    prompt = serializers.CharField()
    parameters = serializers.DictField(help_text="The rest of the request, as submitted")
    requested = serializers.IntegerField()
    delivered = serializers.IntegerField()
    price = PriceAnswer()
    assets = AssetAnswer(many=True)
    error = CauseAnswer(allow_null=True)
    retry_of = serializers.UUIDField(allow_null=True)
    source = serializers.UUIDField(  # type: ignore[assignment]
        allow_null=True, help_text="The picture it set out from"
    )
    relation = serializers.ChoiceField(Relation.choices, allow_null=True, help_text="What it is to it")
    batch = serializers.UUIDField(allow_null=True)
    sandbox = serializers.BooleanField()
    created_at = serializers.DateTimeField()
    finished_at = serializers.DateTimeField(allow_null=True)
    duration_ms = serializers.IntegerField(allow_null=True)


class QuoteAnswer(serializers.Serializer[Any]):
    provider = serializers.CharField()
    available = serializers.BooleanField()
    price = serializers.CharField(allow_null=True, help_text="US dollars for all pictures")
    unit_price = serializers.CharField(allow_null=True)
    currency = serializers.CharField()
    images = serializers.IntegerField()
    calls = serializers.ListField(child=serializers.IntegerField(), help_text="Pictures asked in each call")
    seconds = serializers.FloatField(help_text="What one call takes")
    measured = serializers.BooleanField(help_text="`seconds` was measured here, not published")
    reason = serializers.CharField(allow_null=True, help_text="Why it is not available")
    fields = serializers.DictField(child=serializers.ListField(child=serializers.CharField()))  # type: ignore[assignment]
    retry_at = serializers.DateTimeField(allow_null=True)
    sandbox = serializers.BooleanField()


class QuotesAnswer(serializers.Serializer[Any]):
    model = serializers.CharField()
    results = QuoteAnswer(many=True)


class MeasuredAnswer(serializers.Serializer[Any]):
    """Of the newest calls on this server, over at most 30 days."""

    calls = serializers.IntegerField()
    pictures = serializers.IntegerField()
    seconds_p50 = serializers.FloatField(allow_null=True, help_text="null: too few calls")
    seconds_p95 = serializers.FloatField(allow_null=True)
    success_rate = serializers.FloatField(allow_null=True, help_text="0 to 1")
    sandbox = serializers.BooleanField(help_text="Sandbox gateways made some of it")


class OfferAnswer(serializers.Serializer[Any]):
    provider = serializers.CharField()
    native_model = serializers.CharField()
    price = serializers.CharField(allow_null=True, help_text="US dollars per picture; null if not on sale")
    list_price = money("What the gateway publishes")
    currency = serializers.CharField()
    capabilities = serializers.DictField()
    limits = serializers.DictField()
    typical_seconds = serializers.FloatField()
    measured = serializers.BooleanField()
    retention_seconds = serializers.IntegerField(help_text="How long the gateway itself keeps a result")
    notes = serializers.ListField(child=serializers.CharField())
    measured_here = MeasuredAnswer(allow_null=True, help_text="null: nothing was made there lately")


class AnsweredQuestion(serializers.Serializer[Any]):
    question = serializers.CharField()
    answer = serializers.CharField()


class ModelAnswer(serializers.Serializer[Any]):
    id = serializers.CharField()
    object = serializers.CharField(help_text="model")
    name = serializers.CharField()
    maker = serializers.CharField()
    description = serializers.CharField()
    modalities = serializers.ListField(child=serializers.CharField())
    strengths = serializers.ListField(child=serializers.CharField())
    limits = serializers.ListField(child=serializers.CharField())
    commercial_use = serializers.BooleanField(allow_null=True)
    best_for = serializers.ListField(child=serializers.CharField())
    choose = serializers.ListField(child=serializers.CharField(), help_text="When it is the right one")
    avoid = serializers.ListField(child=serializers.CharField(), help_text="When it is not")
    answers = AnsweredQuestion(many=True)
    offers = OfferAnswer(many=True)


class MyProjectAnswer(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    name = serializers.CharField()
    role = serializers.ChoiceField(Role.choices)


class KeyAnswer(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    name = serializers.CharField()
    prefix = serializers.CharField()
    scopes = serializers.ListField(child=serializers.ChoiceField(Scope.choices))
    project = serializers.UUIDField(allow_null=True)
    networks = serializers.ListField(child=serializers.CharField(), help_text="None named: from anywhere")
    expires_at = serializers.DateTimeField(allow_null=True)
    caps = serializers.ListField(child=serializers.DictField(), help_text="Budgets of this key")


class MeAnswer(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    object = serializers.CharField(help_text="user")
    email = serializers.EmailField()
    name = serializers.CharField()
    staff = serializers.BooleanField()
    wallet = WalletAnswer()
    projects = MyProjectAnswer(many=True)
    key = KeyAnswer(allow_null=True, help_text="The key of this request; null in a browser session")


class UsageRow(serializers.Serializer[Any]):
    """The groups asked for, and what they come to."""

    day = serializers.DateField(required=False)
    provider = serializers.CharField(required=False)
    model = serializers.CharField(required=False)
    project = serializers.UUIDField(required=False)
    user = serializers.UUIDField(required=False)
    key = serializers.UUIDField(required=False, allow_null=True)
    charged = money("Captured, less refunds")
    provider_cost = money("What the gateways took for the same pictures, as they said or by their price list")
    paid_elsewhere = money("What they billed to a key of yours attached there")
    sandbox = money("The part of charged that was for samples of the sandbox: no real money")
    images = serializers.IntegerField()
    generations = serializers.IntegerField()


class UsageAnswer(serializers.Serializer[Any]):
    results = UsageRow(many=True)
    total = UsageRow()
