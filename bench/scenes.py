"""A team's month of work to look at, and every page of it: full, empty, refused, in both languages."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any

from bench import acts
from bench.product import Place, Visitor
from providers.sandbox.client import Control
from providers.sandbox.faults import Fault

PASSWORD = "a long enough password"
WISHES: tuple[dict[str, Any], ...] = (
    {"prompt": "A lighthouse in a storm", "count": 1, "aspect_ratio": "16:9", "provider": "runware"},
    {
        "prompt": "Terraced tea fields in the rain",
        "count": 4,
        "aspect_ratio": "3:2",
        "provider": "prospolabs",
    },
    {"prompt": "黎明的水墨山，一叶红舟", "count": 2, "aspect_ratio": "3:4", "provider": "aigateway"},
    {"prompt": "A botanical plate of a fig branch, seeds in section", "count": 3, "aspect_ratio": "2:3"},
    {"prompt": "An ink-wash mountain at dawn, one red boat", "count": 5, "provider": "bytespike", "seed": 0},
    {"prompt": "A night tram in the snow " + "and its long light on wet stone " * 12, "aspect_ratio": "21:9"},
)
REFUSED = "A face that the gateway refuses"
BROKEN = "A bridge that a gateway drops"
COMPARED = (
    "A paper boat in a gutter",
    "A glass of tea by a window",
    "A bicycle against a wall",
    "A cat on a warm stone",
    "An umbrella left in a tram",
    "A fig, cut open",
)
COLUMNS = [{"provider": name} for name in ("prospolabs", "runware", "aigateway")]


@dataclass(frozen=True)
class Scene:
    """One picture to take. ``who``: owner, viewer, fresh (a person without work) or nobody."""

    name: str
    path: str
    who: str = "owner"
    act: acts.Act | None = None
    whole: bool = True
    """The whole page rather than what fits the window."""
    translated: bool = False
    """Also in Chinese."""


def fill(place: Place, owner: Visitor, viewer: Visitor, seeded: int, real: int) -> list[Scene]:
    """Do the month's work; then every scene of it."""
    if seeded:
        place.manage("seed_library", str(seeded), "--pictures", str(real))
    project = owner.api("GET", "/projects")["results"][-1]["id"]
    archived = owner.api("POST", "/projects", {"name": "Autumn catalogue, put away"})["id"]
    owner.api("PATCH", f"/projects/{archived}", {"archived": True})
    empty = owner.api("POST", "/projects", {"name": "Spring campaign"})["id"]
    owner.api("POST", f"/projects/{project}/members", {"email": "viewer@example.com", "role": "viewer"})
    made, bad = _asked(place, owner, project)
    assets = owner.api("GET", f"/assets?project={project}&limit=60")["results"]
    asset, upright = assets[0], next(one for one in assets if one["height"] > one["width"])
    ids = _kept(owner, project, asset, assets)
    several = _several(owner, viewer, project)
    owner.api("DELETE", f"/assets/{assets[-1]['id']}")
    owner.api("DELETE", f"/assets/{assets[-2]['id']}")
    at = {"asset": asset["id"], "upright": upright["id"], "other": assets[4]["id"], "project": project}
    at |= {"empty": empty, "archived": archived, "made": made[4], "bad": bad, **ids, **several}
    return [*_making(at), *_library(at), *_picture(at), *_judging(at), *_people(at), *_doors(at)]


def _asked(place: Place, owner: Visitor, project: str) -> tuple[list[str], str]:
    control = Control(f"http://127.0.0.1:{place.env['SANDBOX_PORT']}")
    control.fault(Fault.REFUSED_CONTENT, prompt_contains=REFUSED, times=None)
    made = [owner.api("POST", "/generations", {**one, "project": project})["id"] for one in WISHES]
    bad = owner.api("POST", "/generations", {"prompt": REFUSED, "project": project})["id"]
    for one in (*made, bad):
        owner.ended(f"/generations/{one}")
    source = owner.api("GET", f"/assets?project={project}&limit=2")["results"]
    vary = {"prompt": "The same at dusk", "references": [f"asset:{one['id']}" for one in source]}
    vary |= {"source": vary["references"][0], "relation": "vary", "project": project, "provider": "runware"}
    owner.ended(f"/generations/{owner.api('POST', '/generations', vary)['id']}")
    control.close()
    return made, bad


def _kept(owner: Visitor, project: str, asset: dict[str, Any], assets: list[Any]) -> dict[str, str]:
    """Collections, tags, ratings, presets, comments and links."""
    ids = [one["id"] for one in assets]
    held = owner.api("POST", "/collections", {"project": project, "name": "Harbour campaign"})["id"]
    owner.api("POST", "/collections", {"project": project, "name": "Empty so far"})
    bulk = partial(owner.api, "POST", "/assets/bulk")
    bulk({"verb": "collect", "collection": held, "ids": ids[:14]})
    bulk({"verb": "tag", "tags": ["hero", "autumn"], "ids": ids[:9]})
    bulk({"verb": "rate", "rating": 4, "ids": ids[:5]})
    bulk({"verb": "favorite", "ids": ids[:2]})
    wanted = {"project": project, "tag": ["hero"], "rating": 4}
    owner.api("POST", "/searches", {"name": "The best heroes", "search": wanted, "project": project})
    body = {"provider": "runware", "count": 4, "aspect_ratio": "16:9"}
    owner.api("POST", "/presets", {"name": "Wide fours", "body": body, "project": project})
    owner.api("POST", "/presets", {"name": "Mine alone", "body": {"count": 2}})
    for text in ("The red is right now. Can the boat come a little closer?", "It can:\nsee the final."):
        owner.api("POST", f"/assets/{asset['id']}/comments", {"text": text})
    share = partial(owner.api, "POST", f"/assets/{asset['id']}/shares")
    gone = share({})
    owner.api("DELETE", f"/shares/{gone['id']}")
    shares = {"open": share({"may_download": True}), "locked": share({"password": "red-boat-at-dawn"})}
    paths = {f"share_{name}": "/s/" + one["url"].rsplit("/", 1)[1] for name, one in shares.items()}
    link = owner.api("POST", f"/projects/{project}/invitations", {"role": "editor"})["url"]
    mail = {"role": "viewer", "email": "kim@example.com"}
    owner.api("POST", f"/projects/{project}/invitations", mail)
    gone_at = "/s/" + gone["url"].rsplit("/", 1)[1]
    return {"held": held, "share_gone": gone_at, "invited": link.rsplit("/", 1)[1], **paths}


def _several(owner: Visitor, viewer: Visitor, project: str) -> dict[str, str]:
    """A batch and comparisons, all but one of them judged."""
    prompts = ["A {heron|stork} at {dawn|dusk}", "A kite over {reeds|dunes}"]
    batch = {"prompts": prompts, "project": project, "provider": "runware", "name": "Birds of the marsh"}
    ran = owner.api("POST", "/batches", batch)["id"]
    versus = {"project": project, "columns": COLUMNS}
    asked = [owner.api("POST", "/comparisons", {**versus, "prompt": text}) for text in COMPARED]
    owner.ended(f"/batches/{ran}")
    for column in (column for one in asked for column in one["columns"]):
        owner.ended(f"/generations/{column['id']}")
    for number, one in enumerate(asked[:-1]):
        for person in (owner, viewer):
            person.go(f"/comparisons/{one['id']}?blind=1")
            person.page.locator(".pane button[name=best]").nth(number % len(COLUMNS)).click()
            person.page.wait_for_url(lambda url: "blind" not in url)
    return {"batch": ran, "judged": asked[0]["id"], "unjudged": asked[-1]["id"]}


def _making(at: dict[str, str]) -> list[Scene]:
    desk = f"/?project={at['project']}"
    return [
        Scene("create", desk, whole=False, translated=True),
        Scene("create-more", desk, act=acts.open_more, whole=False),
        Scene("create-unable", f"{desk}&reference={at['asset']}&seed=7&provider=bytespike", whole=False),
        Scene("create-batch", f"{desk}&many=1", act=acts.many, whole=False, translated=True),
        Scene("create-presets", desk, act=acts.click(".presets summary"), whole=False),
        Scene("create-picker", desk, act=acts.click("[data-open-picker]"), whole=False),
        Scene("create-refused", f"{desk}", act=acts.too_many, whole=False),
        Scene("create-empty", f"/?project={at['empty']}", whole=False),
        Scene("create-viewer", desk, who="viewer", whole=False),
        Scene("create-archived", f"/?project={at['archived']}", whole=False),
        Scene("create-fresh", "/", who="fresh", whole=False),
        Scene("create-running", desk, act=acts.run, whole=False),
        Scene("generation", f"/generations/{at['made']}", translated=True),
        Scene("generation-failed", f"/generations/{at['bad']}"),
        Scene("batches", "/batches"),
        Scene("batch", f"/batches/{at['batch']}", translated=True),
        Scene("presets", f"/presets?project={at['project']}"),
    ]


def _library(at: dict[str, str]) -> list[Scene]:
    return [
        Scene("library", "/library", whole=False, translated=True),
        Scene("library-chips", f"/library?project={at['project']}&tag=hero&rating=3&q=a", whole=False),
        Scene("library-filters", f"/library/filters?project={at['project']}"),
        Scene("library-chosen", "/library", act=acts.choose, whole=False, translated=True),
        Scene("library-menu", "/library", act=acts.rate, whole=False),
        Scene("library-peek", "/library", act=acts.peek, whole=False),
        Scene("library-scrolled", "/library", act=acts.scroll, whole=False),
        Scene("library-collection", f"/library?collection={at['held']}", whole=False),
        Scene("library-nothing", "/library?q=zeppelin", whole=False),
        Scene("library-empty", "/library", who="fresh", whole=False),
        Scene("library-viewer", f"/library?project={at['project']}", who="viewer", whole=False),
        Scene("library-keys", "/library", act=lambda page: page.keyboard.press("?"), whole=False),
        Scene("library-face", "/library", act=acts.click(".face"), whole=False),
        Scene("collections", "/collections"),
        Scene("trash", "/trash", translated=True),
        Scene("trash-empty", "/trash", who="fresh"),
        Scene("find", "/find"),
        Scene("similar", f"/pictures/{at['upright']}/similar"),
    ]


def _picture(at: dict[str, str]) -> list[Scene]:
    return [
        Scene("picture", f"/pictures/{at['asset']}", translated=True),
        Scene("picture-upright", f"/pictures/{at['upright']}"),
        Scene("picture-zoomed", f"/pictures/{at['asset']}", act=acts.zoom, whole=False),
        Scene("picture-share", f"/pictures/{at['asset']}", act=acts.click("#shares summary")),
        Scene("picture-viewer", f"/pictures/{at['asset']}", who="viewer"),
        Scene("shared", at["share_open"], who="nobody", translated=True),
        Scene("shared-password", at["share_locked"], who="nobody"),
        Scene("shared-gone", at["share_gone"], who="nobody"),
    ]


def _judging(at: dict[str, str]) -> list[Scene]:
    two = f"asset={at['asset']}&asset={at['other']}"
    return [
        Scene("compare", f"/compare?project={at['project']}", translated=True),
        Scene("compare-beside", f"/compare?{two}", whole=False),
        Scene("comparison", f"/comparisons/{at['judged']}", translated=True),
        Scene("comparison-blind", f"/comparisons/{at['unjudged']}?blind=1"),
        Scene("arena", "/arena", translated=True),
        Scene("arena-empty", "/arena", who="fresh"),
        Scene("ranking", "/ranking", translated=True),
        Scene("ranking-empty", "/ranking", who="fresh"),
        Scene("models", "/models", translated=True),
        Scene("model", "/models/seedream-5-lite", translated=True),
    ]


def _people(at: dict[str, str]) -> list[Scene]:
    return [
        Scene("wallet", "/wallet", translated=True),
        Scene("spend", "/spend", translated=True),
        Scene("wallet-fresh", "/wallet", who="fresh"),
        Scene("projects", "/projects", translated=True),
        Scene("project", f"/projects/{at['project']}", translated=True),
        Scene("project-viewer", f"/projects/{at['project']}", who="viewer"),
        Scene("activity", f"/projects/{at['project']}/activity"),
        Scene("notices", "/notices"),
        Scene("notices-empty", "/notices", who="fresh"),
        Scene("settings", "/settings", translated=True),
        Scene("erase", "/settings/erase", who="viewer"),
        Scene("oversight", "/oversight"),
        Scene("no-page", "/pictures/00000000-0000-7000-8000-000000000000"),
        Scene("forbidden", "/settings", act=acts.forge),
        Scene("server-error", "/broken", act=partial(acts.standing, name="500.html")),
        Scene("away", "/broken", act=partial(acts.standing, name="503.html")),
    ]


def _doors(at: dict[str, str]) -> list[Scene]:
    return [
        Scene("sign-in", "/sign-in", who="nobody", translated=True),
        Scene("sign-in-wrong", "/sign-in", who="nobody", act=acts.wrong_password),
        Scene("password-reset", "/password/reset", who="nobody"),
        Scene("invitation", f"/invitations/{at['invited']}", who="nobody", translated=True),
        Scene("invitation-over", "/invitations/nothing", who="nobody"),
        Scene("invitation-signed-in", f"/invitations/{at['invited']}", who="fresh"),
    ]
