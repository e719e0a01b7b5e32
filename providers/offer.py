"""One provider's way of selling a model, as data.

The form, the API, the router and the docs read the same data; ``problems`` names each
field of a request that the provider cannot honour, so that nothing is silently dropped.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from providers.values import ImageRequest
from providers.wording import Sentence

Pixels = tuple[int, int]

SEEDREAM_SIZES: dict[tuple[str, str], Pixels] = {
    ("1:1", "2K"): (2048, 2048),
    ("4:3", "2K"): (2304, 1728),
    ("3:4", "2K"): (1728, 2304),
    ("16:9", "2K"): (2848, 1600),
    ("9:16", "2K"): (1600, 2848),
    ("3:2", "2K"): (2496, 1664),
    ("2:3", "2K"): (1664, 2496),
    ("21:9", "2K"): (3136, 1344),
    ("1:1", "3K"): (3072, 3072),
    ("4:3", "3K"): (3456, 2592),
    ("3:4", "3K"): (2592, 3456),
    ("16:9", "3K"): (4096, 2304),
    ("9:16", "3K"): (2304, 4096),
    ("3:2", "3K"): (3744, 2496),
    ("2:3", "3K"): (2496, 3744),
    ("21:9", "3K"): (4704, 2016),
}
"""The sizes ByteDance recommends for Seedream 5.0 Lite, width and height in pixels."""

SEEDREAM_PIXELS = (3_686_400, 10_404_496)
"""Smallest and largest picture Seedream 5.0 Lite makes, in pixels; sides between 1:16 and 16:1."""


INLINE = frozenset({"base64", "data_uri"})
INLINE_PER_CALL = 2
"""Pictures asked for in one call whose answer holds their bytes. The largest PNG, were it all noise, is
42 MB in base64, and the door reads 96 MB of an answer: what is beyond would be paid for and lost. A related
set is not split: where it may be larger, its adapter asks for links."""


@dataclass(frozen=True, slots=True)
class SizeRule:
    """Which sizes can be said, and in which words.

    ``names`` maps (aspect, resolution) to the provider's word for it; ``exact`` says that any
    width and height within ``pixels`` (total) may be asked. ``default`` is what the provider
    makes when no size is named.
    """

    names: Mapping[tuple[str, str], str]
    default: tuple[str, str]
    exact: frozenset[Pixels] | bool = False
    pixels: tuple[int, int] = SEEDREAM_PIXELS
    sides: tuple[int, int] = (1, 16384)

    def allows_exact(self, width: int, height: int) -> bool:
        if isinstance(self.exact, frozenset):
            return (width, height) in self.exact
        low, high = self.pixels
        return (
            self.exact
            and low <= width * height <= high
            and max(width, height) <= 16 * min(width, height)
            and self.sides[0] <= min(width, height)
            and max(width, height) <= self.sides[1]
        )

    def in_pixels(self) -> list[str]:
        """The sizes that can be asked for one by one, as width and height."""
        exact = sorted(self.exact) if isinstance(self.exact, frozenset) else []
        named = [word for word in self.names.values() if word.replace("x", "", 1).isdecimal()]
        return list(dict.fromkeys([*named, *(f"{width}x{height}" for width, height in exact)]))


@dataclass(frozen=True, slots=True)
class Offer:
    """What one provider sells of one model, and within which limits.

    ``list_price`` is micro-dollars per picture as published; what people pay is the price
    table's. ``retention`` is how long result links live, in seconds; ``seconds`` the
    published low and high of one call.
    """

    model: str
    provider: str
    native_model: str
    list_price: int
    sizes: SizeRule
    max_count: int
    prompt_max: int
    retention: int
    seconds: tuple[int, int]
    max_references: int = 0
    seed: bool = False
    seed_max: int = 2**31 - 1
    negative_prompt: bool = False
    max_sequential: int = 0
    references_and_sequential: int = 15
    formats: frozenset[str] = frozenset()
    safety_check: bool = False
    optimizations: frozenset[str] = frozenset()
    deliveries: frozenset[str] = frozenset()
    outputs: frozenset[str] = frozenset({"url"})
    ttl_min: int | None = None
    uploads: bool = False
    notes: tuple[str, ...] = field(default=())

    def problems(self, request: ImageRequest) -> dict[str, Sentence]:
        """Each field of the request that cannot be honoured: why and, after a semicolon, what would help."""
        return {
            **self._unsupported(request),
            **self._out_of_range(request),
            **self._size_problems(request),
        }

    def calls(self, request: ImageRequest) -> list[int]:
        """How many pictures each paid call asks for, to make ``count`` within the limit per call."""
        most = min(self.max_count, INLINE_PER_CALL) if request.output in INLINE else self.max_count
        full, rest = divmod(request.count, most)
        return [most] * full + ([rest] if rest else [])

    def _unsupported(self, request: ImageRequest) -> dict[str, Sentence]:
        asked = {
            "negative_prompt": (request.negative_prompt, self.negative_prompt),
            "seed": (request.seed, self.seed),
            "references": (request.references or None, self.max_references > 0),
            "sequential": (request.sequential, self.max_sequential > 0),
            "safety_check": (request.safety_check, self.safety_check),
            "prompt_optimization": (
                request.prompt_optimization,
                request.prompt_optimization in self.optimizations,
            ),
            "delivery": (request.delivery, request.delivery in self.deliveries),
            "output": (request.output, request.output in self.outputs),
            "ttl": (request.ttl, self.ttl_min is not None),
            "upload_urls": (request.upload_url, self.uploads),
        }
        return {
            name: Sentence(
                "not offered by %(provider)s; leave it out or choose another gateway", provider=self.provider
            )
            for name, (value, offered) in asked.items()
            if value is not None and not offered
        }

    def _out_of_range(self, request: ImageRequest) -> dict[str, Sentence]:
        found: dict[str, Sentence] = {}
        mine = self.provider
        if len(request.prompt) > self.prompt_max:
            found["prompt"] = Sentence(
                "%(provider)s takes at most %(n)s characters; shorten it by %(excess)s",
                provider=mine,
                n=f"{self.prompt_max:,}",
                excess=f"{len(request.prompt) - self.prompt_max:,}",
            )
        if self.max_references and len(request.references) > self.max_references:
            found["references"] = Sentence(
                "%(provider)s takes at most %(n)s; remove some", provider=mine, n=self.max_references
            )
        if self.seed and request.seed is not None and not 0 <= request.seed <= self.seed_max:
            found["seed"] = Sentence("%(provider)s takes 0 to %(n)s", provider=mine, n=self.seed_max)
        if self.max_sequential and request.sequential:
            if request.sequential > self.max_sequential:
                found["sequential"] = Sentence(
                    "%(provider)s takes at most %(n)s", provider=mine, n=self.max_sequential
                )
            elif request.sequential + len(request.references) > self.references_and_sequential:
                found["sequential"] = Sentence(
                    "references and sequential pictures together may be at most %(n)s",
                    n=self.references_and_sequential,
                )
        if self.ttl_min is not None and request.ttl is not None:
            if request.ttl < self.ttl_min:
                found["ttl"] = Sentence(
                    "%(provider)s takes %(n)s seconds or more", provider=mine, n=self.ttl_min
                )
            elif request.output not in (None, "url"):
                found["ttl"] = Sentence("a lifetime applies to links only; ask for output url")
        return found

    def _size_problems(self, request: ImageRequest) -> dict[str, Sentence]:
        mine = self.provider
        if (request.width is None) != (request.height is None):
            missing = "width" if request.width is None else "height"
            return {missing: Sentence("width and height go together; give both or neither")}
        if request.width is not None and request.height is not None:
            if self.sizes.allows_exact(request.width, request.height):
                return {}
            if any(word == f"{request.width}x{request.height}" for word in self.sizes.names.values()):
                return {}
            asked = f"{request.width}x{request.height}"
            return {"width": self._not_that_large(asked)}
        if request.aspect_ratio is None and request.resolution is None:
            return {}
        aspect, resolution = self.size(request)
        if (aspect, resolution) in self.sizes.names:
            return {}
        if known := [its for shape, its in self.sizes.names if shape == aspect]:
            said = Sentence(
                "%(provider)s does not make %(size)s at %(resolution)s; take %(made)s",
                provider=mine,
                size=aspect,
                resolution=resolution,
                made=", ".join(known),
            )
            return {"resolution": said}
        shapes = dict.fromkeys(shape for shape, _ in self.sizes.names)
        return {"aspect_ratio": self._instead(aspect, shapes)}

    def _instead(self, asked: str, made: Iterable[str]) -> Sentence:
        return Sentence(
            "%(provider)s does not make %(size)s; take %(made)s",
            provider=self.provider,
            size=asked,
            made=", ".join(made),
        )

    def _not_that_large(self, asked: str) -> Sentence:
        """Of a size in pixels: the range that is made, or each, or that sizes have only names here."""
        if self.sizes.exact is True:
            least, most = (f"{pixels:,}" for pixels in self.sizes.pixels)
            return Sentence(
                "%(provider)s does not make %(size)s; take %(least)s to %(most)s pixels in all, "
                "no side above 16 times the other",
                provider=self.provider,
                size=asked,
                least=least,
                most=most,
            )
        if sizes := self.sizes.in_pixels():
            return self._instead(asked, sizes)
        return Sentence(
            "%(provider)s does not make %(size)s; give aspect_ratio and resolution instead",
            provider=self.provider,
            size=asked,
        )

    def size(self, request: ImageRequest) -> tuple[str, str]:
        """Aspect and resolution as asked, what was left open taken from the provider's default."""
        aspect, resolution = self.sizes.default
        if (
            request.resolution
            and not request.aspect_ratio
            and (aspect, request.resolution) not in self.sizes.names
        ):
            aspect = next((a for a, r in self.sizes.names if r == request.resolution), aspect)
        if request.aspect_ratio and not request.resolution:
            known = [r for a, r in self.sizes.names if a == request.aspect_ratio]
            resolution = resolution if resolution in known or not known else known[0]
        return request.aspect_ratio or aspect, request.resolution or resolution

    def native_size(self, request: ImageRequest) -> str:
        """The provider's word for the size asked, or its default. KeyError for what ``problems`` names."""
        if request.width is not None and request.height is not None:
            return f"{request.width}x{request.height}"
        return self.sizes.names[self.size(request)]
