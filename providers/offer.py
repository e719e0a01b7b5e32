"""One provider's way of selling a model, as data.

The form, the API, the router and the docs read the same data; ``problems`` names each
field of a request that the provider cannot honour, so that nothing is silently dropped.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from providers.values import ImageRequest

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

    def problems(self, request: ImageRequest) -> dict[str, str]:
        """Each field of the request that cannot be honoured, with why and what would help."""
        found = {
            **self._unsupported(request),
            **self._out_of_range(request),
            **self._size_problems(request),
        }
        return {name: text for name, text in found.items() if text}

    def calls(self, count: int) -> list[int]:
        """How many pictures each paid call asks for, to make ``count`` within the limit per call."""
        full, rest = divmod(count, self.max_count)
        return [self.max_count] * full + ([rest] if rest else [])

    def _unsupported(self, request: ImageRequest) -> dict[str, str]:
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
            name: f"not offered by {self.provider}; leave it out or choose another provider"
            for name, (value, offered) in asked.items()
            if value is not None and not offered
        }

    def _out_of_range(self, request: ImageRequest) -> dict[str, str]:
        found: dict[str, str] = {}
        if len(request.prompt) > self.prompt_max:
            found["prompt"] = (
                f"{self.provider} takes at most {self.prompt_max:,} characters; shorten it by "
                f"{len(request.prompt) - self.prompt_max:,}"
            )
        if self.max_references and len(request.references) > self.max_references:
            found["references"] = f"{self.provider} takes at most {self.max_references}; remove some"
        if self.seed and request.seed is not None and not 0 <= request.seed <= self.seed_max:
            found["seed"] = f"{self.provider} takes 0 to {self.seed_max}"
        if self.max_sequential and request.sequential:
            if request.sequential > self.max_sequential:
                found["sequential"] = f"{self.provider} takes at most {self.max_sequential}"
            elif request.sequential + len(request.references) > self.references_and_sequential:
                found["sequential"] = (
                    f"references and sequential pictures together may be at most "
                    f"{self.references_and_sequential}"
                )
        if self.ttl_min is not None and request.ttl is not None:
            if request.ttl < self.ttl_min:
                found["ttl"] = f"{self.provider} takes {self.ttl_min} seconds or more"
            elif request.output not in (None, "url"):
                found["ttl"] = "a lifetime applies to links only; ask for output url"
        return found

    def _size_problems(self, request: ImageRequest) -> dict[str, str]:
        if (request.width is None) != (request.height is None):
            missing = "width" if request.width is None else "height"
            return {missing: "width and height go together; give both or neither"}
        if request.width is not None and request.height is not None:
            if self.sizes.allows_exact(request.width, request.height):
                return {}
            if any(word == f"{request.width}x{request.height}" for word in self.sizes.names.values()):
                return {}
            return {"width": f"{self.provider} does not make {request.width}x{request.height}"}
        if request.aspect_ratio is None and request.resolution is None:
            return {}
        aspect, resolution = self.size(request)
        if (aspect, resolution) in self.sizes.names:
            return {}
        if any(known == aspect for known, _ in self.sizes.names):
            return {"resolution": f"{self.provider} does not make {aspect} at {resolution}"}
        return {"aspect_ratio": f"{self.provider} does not make {aspect}"}

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
