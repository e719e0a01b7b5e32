"""Reading what was asked, strictly: a wrong type, range or name is a refusal that names the field.

``null`` counts as absent, 0 and false as values.
"""

from collections.abc import Collection, Mapping
from typing import Any, Literal

Problem = Literal["missing", "invalid", "unknown"]


class FieldError(Exception):
    """A field (or several that belong together) cannot be taken; the gateway words it in its own way."""

    def __init__(self, problem: Problem, names: tuple[str, ...], message: str) -> None:
        super().__init__(message)
        self.problem = problem
        self.names = names
        self.message = message


class Fields:
    """The fields of one JSON object (or form)."""

    def __init__(self, document: Any, name: str = "body") -> None:
        if not isinstance(document, Mapping):
            raise FieldError("invalid", (name,), f"{name} must be a JSON object.")
        self.document = document

    def __contains__(self, name: str) -> bool:
        return self.document.get(name) is not None

    def required(self, *names: str) -> None:
        for name in names:
            if name not in self:
                raise FieldError("missing", (name,), f"{name} is required.")

    def known(self, names: Collection[str]) -> None:
        """Refuse every field that is not among the names."""
        for name in self.document:
            if name not in names:
                raise FieldError("unknown", (name,), f"{name} is not a parameter of this operation.")

    def text(self, name: str, longest: int | None = None) -> str | None:
        """1 to ``longest`` characters."""
        value = self.document.get(name)
        if value is None:
            return None
        if not isinstance(value, str) or not value.strip():
            raise FieldError("invalid", (name,), f"{name} must be a string that is not empty.")
        if longest is not None and len(value) > longest:
            raise FieldError("invalid", (name,), f"{name} is longer than {longest} characters.")
        return value

    def prompt(self, name: str, longest: int | None = None) -> str:
        self.required(name)
        return self.text(name, longest) or ""

    def whole(self, name: str, least: int, most: int, *, number: bool = False) -> int | None:
        """An integer in a range; with ``number`` 1.0 is an integer too."""
        value = self.document.get(name)
        if value is None:
            return None
        if number and isinstance(value, float) and value.is_integer():
            value = int(value)
        if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
            raise FieldError("invalid", (name,), f"{name} must be an integer from {least} to {most}.")
        return value

    def choice(self, name: str, allowed: Collection[str], default: str) -> str:
        value = self.document.get(name)
        if value is None:
            return default
        if not isinstance(value, str) or value not in allowed:
            raise FieldError("invalid", (name,), f"{name} must be one of {', '.join(allowed)}.")
        return value

    def flag(self, name: str, default: bool) -> bool:
        value = self.document.get(name)
        if value is None:
            return default
        if not isinstance(value, bool):
            raise FieldError("invalid", (name,), f"{name} must be true or false.")
        return value

    def texts(self, name: str, most: int) -> list[str]:
        """1 to ``most`` strings; an absent list is empty."""
        value = self.document.get(name)
        if value is None:
            return []
        if not isinstance(value, list) or not 1 <= len(value) <= most:
            raise FieldError("invalid", (name,), f"{name} must be a list of 1 to {most} strings.")
        if not all(isinstance(one, str) and one for one in value):
            raise FieldError("invalid", (name,), f"{name} must hold strings only.")
        return value

    def address(self, name: str) -> str | None:
        value = self.text(name, 2000)
        if value is not None and not value.startswith(("http://", "https://")):
            raise FieldError("invalid", (name,), f"{name} must be an http or https address.")
        return value
