"""The control endpoint from Python: for tests, benchmarks and fire drills."""

from typing import Any

import httpx

from providers.sandbox.faults import Fault
from providers.sandbox.switches import Value


class ControlError(Exception):
    """The control endpoint refused; the message is its sentence."""


class Control:
    """Talks to the control endpoint at ``url``; every method raises ControlError where it is refused."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._http = httpx.Client(base_url=url, timeout=30, trust_env=False)

    def close(self) -> None:
        self._http.close()

    def _call(self, method: str, path: str, **options: Any) -> dict[str, Any]:
        answer = self._http.request(method, path, **options)
        document: dict[str, Any] = answer.json()
        if answer.status_code != 200:
            raise ControlError(document.get("error", str(answer.status_code)))
        return document

    def state(self) -> dict[str, Any]:
        """Origins, switches, settings, keys, and how much is running."""
        return self._call("GET", "/state")

    def origin(self, gateway: str) -> str:
        return str(self.state()["origins"][gateway])

    def bill(self, gateway: str | None = None) -> list[dict[str, Any]]:
        """The lines, oldest first; ``micro_usd`` is whole micro-dollars."""
        lines: list[dict[str, Any]] = self._call("GET", "/bill", params=_named(gateway=gateway))["lines"]
        return lines

    def totals(self, gateway: str) -> dict[str, int]:
        """calls, pictures (not refunded), charged, refunded, net; zeros where nothing was bought."""
        found: dict[str, int] = self._call("GET", "/bill")["totals"].get(gateway, {})
        return {name: found.get(name, 0) for name in ("calls", "pictures", "charged", "refunded", "net")}

    def requests(self, gateway: str | None = None, operation: str | None = None) -> list[dict[str, Any]]:
        """Every request as it was noted, oldest first."""
        wanted = _named(gateway=gateway, operation=operation)
        notes: list[dict[str, Any]] = self._call("GET", "/requests", params=wanted)["requests"]
        return notes

    def count(self, gateway: str, what: str = "submit") -> int:
        """How many requests of one method or operation a gateway got."""
        counts: dict[str, dict[str, int]] = self._call("GET", "/requests", params={"gateway": "none"})[
            "counts"
        ]
        return counts[gateway].get(what, 0)

    def webhooks(self) -> list[dict[str, Any]]:
        """Every delivery that was tried, uploads too."""
        deliveries: list[dict[str, Any]] = self._call("GET", "/webhooks")["deliveries"]
        return deliveries

    def switch(self, name: str, value: Value) -> None:
        self._call("POST", "/switches", json={name: value})

    def fault(
        self,
        fault: Fault | str,
        *,
        gateway: str | None = None,
        operation: str | None = None,
        prompt_contains: str | None = None,
        times: int | None = 1,
        skip: int = 0,
        **args: Any,
    ) -> None:
        """Order something to go wrong; ``times`` None is for ever. The menu is in faults.py."""
        match = _named(operation=operation, prompt_contains=prompt_contains)
        body = {
            "gateway": gateway,
            "match": match,
            "fault": fault,
            "times": times,
            "skip": skip,
            "args": args,
        }
        self._call("POST", "/faults", json=body)

    def clear_faults(self, fault: Fault | None = None) -> None:
        """Let everything go right again, or nothing but this go wrong no more."""
        self._call("DELETE", "/faults", params=_named(fault=fault))

    def advance(self, seconds: float) -> None:
        """Move the sandbox's clock forward: work progresses, limits pass, links expire."""
        self._call("POST", "/clock", json={"advance": seconds})

    def settings(self, gateway: str | None = None, **settings: Any) -> None:
        """latency (seconds or None), rpm, in_flight (None for no limit), picture ("drawn" or "tiny")."""
        self._call("POST", "/settings", json={**_named(gateway=gateway), **settings})

    def key(self, gateway: str, key: str, **facts: Any) -> None:
        """balance_micro_usd, refused (a status or None), byok."""
        self._call("POST", "/keys", json={"gateway": gateway, "key": key, **facts})

    def reset(self) -> None:
        """Forget everything: work, files, bill, log, faults, switches, settings, keys."""
        self._call("POST", "/reset", json={})


def _named(**values: str | None) -> dict[str, str]:
    return {name: value for name, value in values.items() if value is not None}
