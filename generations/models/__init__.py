"""Generations, submissions, assets, and how they change state."""

from generations.models.asset import Asset, Kind, derivative_key, original_key
from generations.models.generation import Generation, KeptAnswer, ReferenceUse
from generations.models.moves import GENERATION_CHANNEL, move_generation, move_result, move_submission, notify
from generations.models.submission import Move, Result, Submission, WebhookEvent

__all__ = [
    "GENERATION_CHANNEL",
    "Asset",
    "Generation",
    "KeptAnswer",
    "Kind",
    "Move",
    "ReferenceUse",
    "Result",
    "Submission",
    "WebhookEvent",
    "derivative_key",
    "move_generation",
    "move_result",
    "move_submission",
    "notify",
    "original_key",
]
