"""Generations, submissions, assets, and how they change state."""

from generations.models.asset import Asset, AssetKind, derivative_key, original_key
from generations.models.collection import Collection, CollectionItem, Copying, SavedSearch, Tally
from generations.models.conversion import Conversion, converted_key, unconverted
from generations.models.generation import Generation, KeptAnswer, ReferenceUse, Relation, failure
from generations.models.making import Batch, Comparison, Preset, Reveal, Vote
from generations.models.moves import GENERATION_CHANNEL, move_generation, move_result, move_submission, notify
from generations.models.sharing import Comment, Notice, ShareLink
from generations.models.submission import Move, Result, Submission, WebhookEvent

__all__ = [
    "GENERATION_CHANNEL",
    "Asset",
    "AssetKind",
    "Batch",
    "Collection",
    "CollectionItem",
    "Comment",
    "Comparison",
    "Conversion",
    "Copying",
    "Generation",
    "KeptAnswer",
    "Move",
    "Notice",
    "Preset",
    "ReferenceUse",
    "Relation",
    "Result",
    "Reveal",
    "SavedSearch",
    "ShareLink",
    "Submission",
    "Tally",
    "Vote",
    "WebhookEvent",
    "converted_key",
    "derivative_key",
    "failure",
    "move_generation",
    "move_result",
    "move_submission",
    "notify",
    "original_key",
    "unconverted",
]
