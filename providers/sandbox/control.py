"""The control endpoint: what the gateways did, what they shall do next, and a page that says what this is.

JSON in and out. Changes need ``Content-Type: application/json``, which keeps web pages of other origins out.
"""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import asdict
from html import escape
from typing import Any

from aiohttp import web

from providers.sandbox.faults import MENU, order
from providers.sandbox.fields import FieldError, Fields
from providers.sandbox.world import SLUGS, World

Change = Callable[[Fields], Mapping[str, Any]]
FOREVER = 10**9


class Endpoint:
    def __init__(self, world: World) -> None:
        self.world = world

    def app(self) -> web.Application:
        app = web.Application()
        app.router.add_get("/", self.page)
        for path, reader in (
            ("/state", self.state),
            ("/bill", self.bill),
            ("/requests", self.requests),
            ("/webhooks", self.webhooks),
            ("/faults", self.faults),
        ):
            app.router.add_get(path, reader)
        for path, change in (
            ("/switches", self.switches),
            ("/faults", self.order),
            ("/clock", self.clock),
            ("/settings", self.settings),
            ("/keys", self.keys),
            ("/reset", self.reset),
        ):
            app.router.add_post(path, _changing(change))
        app.router.add_delete("/faults", self.clear_faults)
        return app

    # Reading

    async def page(self, _: web.Request) -> web.Response:
        rows = "".join(
            f"<tr><td>{escape(slug)}</td><td><code>{escape(origin)}</code></td></tr>"
            for slug, origin in self.world.origins.items()
        )
        return web.Response(text=PAGE.replace("ROWS", rows), content_type="text/html")

    async def state(self, _: web.Request) -> web.Response:
        world = self.world
        return web.json_response(
            {
                "origins": world.origins,
                "now": world.clock.now(),
                "switches": world.switches.all(),
                "settings": {slug: asdict(settings) for slug, settings in world.settings.items()},
                "keys": [
                    {
                        "gateway": account.gateway,
                        "key": account.key[-4:],
                        "balance_micro_usd": account.balance,
                        "spent_micro_usd": account.spent,
                        "running": account.running,
                    }
                    for account in world.accounts.values()
                ],
                "tasks": {slug: len(tasks) for slug, tasks in world.tasks.items()},
                "running": {slug: self._running(slug) for slug in SLUGS},
                "files": len(world.files),
            }
        )

    def _running(self, slug: str) -> int:
        return sum(account.running for account in self.world.accounts.values() if account.gateway == slug)

    async def bill(self, request: web.Request) -> web.Response:
        lines = [
            line for line in self.world.bill if request.query.get("gateway", line.gateway) == line.gateway
        ]
        totals: dict[str, Counter[str]] = {}
        for line in lines:
            total = totals.setdefault(
                line.gateway, Counter(calls=0, pictures=0, charged=0, refunded=0, net=0)
            )
            total["calls"] += 1
            total["charged"] += line.micro_usd
            total["refunded" if line.refunded else "net"] += line.micro_usd
            total["pictures"] += 0 if line.refunded else line.pictures
        return web.json_response({"lines": [asdict(line) for line in lines], "totals": totals})

    async def requests(self, request: web.Request) -> web.Response:
        wanted = {
            name: request.query[name] for name in ("gateway", "operation", "method") if name in request.query
        }
        notes = [
            note for note in self.world.requests if all(note[name] == value for name, value in wanted.items())
        ]
        counts: dict[str, dict[str, int]] = {slug: {} for slug in SLUGS}
        for (slug, method, operation), number in self.world.counts.items():
            for name in (method, operation):
                counts[slug][name] = counts[slug].get(name, 0) + number
        return web.json_response({"requests": notes, "counts": counts})

    async def webhooks(self, _: web.Request) -> web.Response:
        return web.json_response({"deliveries": self.world.deliveries})

    async def faults(self, _: web.Request) -> web.Response:
        menu = {str(fault): {"stage": str(stage), "does": does} for fault, (stage, does) in MENU.items()}
        return web.json_response(
            {"menu": menu, "orders": [asdict(one) for one in self.world.orders.standing]}
        )

    async def clear_faults(self, request: web.Request) -> web.Response:
        """All orders, or those of one ``fault``."""
        standing = self.world.orders.standing
        standing[:] = [one for one in standing if request.query.get("fault", one.fault) != one.fault]
        return web.json_response({})

    # Changing

    def switches(self, fields: Fields) -> Mapping[str, Any]:
        for name, value in fields.document.items():
            self.world.switches.turn(name, value)
        return self.world.switches.all()

    def order(self, fields: Fields) -> Mapping[str, Any]:
        fields.known({"gateway", "match", "fault", "times", "skip", "args"})
        if "gateway" in fields:
            fields.choice("gateway", SLUGS, "")
        fields.whole("times", 1, FOREVER)
        fields.whole("skip", 0, FOREVER)
        for name, known in (("match", {"operation", "prompt_contains"}), ("args", None)):
            inner = Fields(fields.document.get(name) or {}, name)
            if known:
                inner.known(known)
        placed = order(fields.document)
        self.world.orders.standing.append(placed)
        return asdict(placed)

    def clock(self, fields: Fields) -> Mapping[str, Any]:
        seconds = fields.document.get("advance", 0)
        if not isinstance(seconds, int | float) or isinstance(seconds, bool) or seconds < 0:
            raise ValueError("advance is a number of seconds, 0 or more.")
        self.world.clock.advance(seconds)
        return {"now": self.world.clock.now()}

    def settings(self, fields: Fields) -> Mapping[str, Any]:
        """Of one gateway, or without a name of all."""
        fields.known({"gateway", "latency", "rpm", "in_flight", "picture"})
        slugs = (fields.choice("gateway", SLUGS, ""),) if "gateway" in fields else SLUGS
        fields.choice("picture", ("drawn", "tiny"), "drawn")
        latency = fields.document.get("latency")
        if latency is not None and (not isinstance(latency, int | float) or latency < 0):
            raise ValueError("latency is a number of seconds, 0 or more.")
        for name in ("rpm", "in_flight"):
            fields.whole(name, 0, FOREVER)
        for slug in slugs:
            for name in set(fields.document) - {"gateway"}:
                setattr(self.world.settings[slug], name, fields.document[name])
        return {slug: asdict(self.world.settings[slug]) for slug in slugs}

    def keys(self, fields: Fields) -> Mapping[str, Any]:
        """What one key has and may do; ``refused`` is the status of every answer, null for none."""
        fields.known({"gateway", "key", "balance_micro_usd", "refused", "byok"})
        fields.required("gateway", "key")
        account = self.world.account(fields.choice("gateway", SLUGS, ""), fields.prompt("key"))
        balance = fields.whole("balance_micro_usd", -FOREVER, 10**15)
        account.balance = account.balance if balance is None else balance
        if "refused" in fields.document:
            account.refused = fields.whole("refused", 400, 599)
        account.byok = fields.flag("byok", account.byok)
        return {"gateway": account.gateway, "key": account.key[-4:], "balance_micro_usd": account.balance}

    def reset(self, _: Fields) -> Mapping[str, Any]:
        self.world.reset()
        return {}


def _changing(change: Change) -> Callable[[web.Request], Awaitable[web.Response]]:
    async def answer(request: web.Request) -> web.Response:
        if request.content_type != "application/json":
            return web.json_response({"error": "Content-Type must be application/json."}, status=415)
        try:
            changed = change(Fields(await request.json()))
        except (ValueError, FieldError) as error:
            return web.json_response({"error": str(error)}, status=400)
        await asyncio.sleep(0)  # whoever was woken goes first
        return web.json_response(changed)

    return answer


PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Sandbox gateways</title>
<style>
  :root { color-scheme: light dark }
  body { font: 16px/1.5 system-ui, sans-serif; max-width: 44rem; margin: 3rem auto; padding: 0 1rem }
  strong { color: #c1272d } td { padding: .25rem 1.5rem .25rem 0 }
</style></head><body>
<h1>Sandbox gateways</h1>
<p><strong>Pictures and money here are not real.</strong> Five image gateways are imitated on this machine:
any key that is not empty is good, and every picture is drawn from its prompt.</p>
<table>ROWS</table>
<p>Control: <a href="/state">state</a>, <a href="/bill">bill</a>, <a href="/requests">requests</a>,
<a href="/webhooks">webhooks</a>, <a href="/faults">faults</a>;
POST <code>/switches</code>, <code>/faults</code>, <code>/clock</code>, <code>/settings</code>,
<code>/keys</code>, <code>/reset</code>; DELETE <code>/faults</code>.</p>
</body></html>
"""
