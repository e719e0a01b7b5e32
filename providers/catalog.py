"""The image models, as data. Who sells one, and how, its offers say."""

from __future__ import annotations

from dataclasses import dataclass

from providers.offer import Offer
from providers.registry import profiles


@dataclass(frozen=True, slots=True)
class Model:
    """An image model, whoever sells it. ``first_party`` are its maker's own ids for it.

    ``commercial_use`` is None where neither the maker nor a gateway says. ``choose`` and ``avoid`` say
    when it is the right one and when it is not; ``answers`` are questions with their answers.
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
    best_for: tuple[str, ...] = ()
    choose: tuple[str, ...] = ()
    avoid: tuple[str, ...] = ()
    answers: tuple[tuple[str, str], ...] = ()


class UnknownModelError(LookupError):
    """No model has this id."""

    def __init__(self, model_id: str) -> None:
        super().__init__(f"There is no model {model_id!r}; known are {', '.join(_MODELS)}.")
        self.model_id = model_id


# Sources: the five gateways' model pages, BytePlus ModelArk and Replicate's listing of the model.
_SEEDREAM_ANSWERS = (
    (
        "Does a seed give the same picture again?",
        "At most at the same gateway. Bytespike, 3D AI Studio and Prospolabs take a seed; AIgateway and "
        "Runware take none for this model, and ByteDance's own script does not list one, so a gateway that "
        "takes it may make nothing of it.",
    ),
    (
        "How long may a prompt be?",
        "ByteDance names no hard limit; the advice is at most 300 Chinese characters or 600 English words. "
        "What each gateway takes stands in the table.",
    ),
    (
        "Which sizes does it make?",
        "2K and 3K, from 3.7 to 10.4 megapixels, between 1:16 and 16:1. Bytespike sells up to 1536 pixels a "
        "side: what the model makes is scaled there.",
    ),
    (
        "Can it change a picture I have?",
        "Yes: give it as a reference and say what is to change. Bytespike takes no references; AIgateway "
        "documents one in a call.",
    ),
    (
        "What is a related set?",
        "Up to fifteen pictures that belong together, made in one call. Only Runware sells it. The model may "
        "make fewer than were asked for; what is not made is not paid for.",
    ),
    (
        "Does it search the web, or put a watermark on pictures?",
        "The model can do both at ByteDance. None of the five gateways has a switch for either.",
    ),
    (
        "What does a refused or failed picture cost?",
        "Nothing here: only pictures that are stored are charged. What a gateway bills all the same, the "
        "platform pays.",
    ),
    (
        "How long is a picture kept?",
        "Here until you delete it. The gateways' own links live 24 hours at three of them and 7 days at "
        "Prospolabs; the original is fetched as soon as it is there.",
    ),
)
_MODELS = {
    model.id: model
    for model in (
        Model(
            id="seedream-5-lite",
            name="Seedream 5 Lite",
            maker="ByteDance",
            description=(
                "Makes pictures from words, and new pictures from up to fourteen reference pictures. "
                "It thinks a prompt through before it draws, so layout, composition, style and detail "
                "come out as described, and it reads Chinese, Japanese and Korean as well as English."
            ),
            modalities=("text to image", "image to image", "several references"),
            strengths=(
                "follows long and precise prompts",
                "keeps a subject recognisable across references",
                "layout, composition and style under control",
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
            best_for=("marketing assets", "product mockups", "concept art", "drafts by the dozen"),
            choose=(
                "You are still working on a prompt, and trying ten variations has to be cheap.",
                "Layout, composition, style and details must follow what you wrote.",
                "The prompt is in Chinese, Japanese or Korean.",
                "Something is to be kept from reference pictures: up to fourteen at Runware, ten at "
                "3D AI Studio and Prospolabs.",
            ),
            avoid=(
                "You need 4K: nobody here sells this model above 10.4 megapixels.",
                "The same picture must come again at another gateway: no seed can promise that.",
                "Letters must be sharp to the edge at 2048 pixels: Bytespike itself then advises "
                "Seedream 4.5, which is not in this catalogue.",
            ),
            answers=_SEEDREAM_ANSWERS,
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
