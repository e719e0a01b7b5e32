"""The image models, as data. Who sells one, and how, its offers say."""

from __future__ import annotations

from dataclasses import dataclass

from providers.offer import Offer
from providers.registry import profiles


@dataclass(frozen=True, slots=True)
class Model:
    """An image model, whoever sells it. ``first_party`` are its maker's own ids for it.

    ``commercial_use`` is None where neither the maker nor a gateway says.
    """

    id: str
    name: str
    maker: str
    description: str
    modalities: tuple[str, ...]
    strengths: tuple[str, ...]
    limits: tuple[str, ...]
    first_party: tuple[str, ...] = ()
    commercial_use: bool | None = None


class UnknownModelError(LookupError):
    """No model has this id."""

    def __init__(self, model_id: str) -> None:
        super().__init__(f"There is no model {model_id!r}; known are {', '.join(_MODELS)}.")
        self.model_id = model_id


# Sources: the five gateways' model pages, BytePlus ModelArk and Replicate's listing of the model.
_MODELS = {
    model.id: model
    for model in (
        Model(
            id="seedream-5-lite",
            name="Seedream 5 Lite",
            maker="ByteDance",
            description=(
                "Makes pictures from words, and new pictures from up to fourteen reference pictures. "
                "It thinks a prompt through before it draws, so layouts, counts and relations between "
                "things come out as described, and it reads Chinese, Japanese and Korean as well as English."
            ),
            modalities=("text to image", "image to image", "several references"),
            strengths=(
                "follows long and precise prompts",
                "keeps a subject recognisable across references",
                "text inside pictures",
                "prompts in many scripts",
                "one price for 2K and 3K",
            ),
            limits=(
                "2K and 3K pictures of its own; smaller ones are scaled down by the gateway",
                "between 1:16 and 16:1, at most 10.4 megapixels",
                "a seed helps, but does not promise the same picture at another gateway",
                "a set of related pictures may turn out shorter than asked",
            ),
            first_party=("seedream-5-0-260128", "seedream-5-0-lite-260128", "doubao-seedream-5-0-260128"),
            commercial_use=True,
        ),
    )
}


def models() -> tuple[Model, ...]:
    """Every model, in the order in which people see them."""
    return tuple(_MODELS.values())


def model(model_id: str) -> Model:
    """Raises UnknownModelError."""
    try:
        return _MODELS[model_id]
    except KeyError:
        raise UnknownModelError(model_id) from None


def offers(model_id: str) -> tuple[Offer, ...]:
    """Everyone who sells this model, in the registry's order. Raises UnknownModelError."""
    wanted = model(model_id).id
    return tuple(offer for known in profiles() for offer in known.offers if offer.model == wanted)
