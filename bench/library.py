"""The library at a million pictures: against the bare SQL of the same rows, and against ten thousand.

``python -m bench.library [N]`` makes two databases' worth in one: a project of N pictures (a
million without N: some minutes) among nine of ten thousand, one of which is what it is compared with.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from functools import partial
from typing import Any
from uuid import UUID

from bench import stage

LIMIT = 50
ROUNDS = 15
EDGE = UUID(int=(1 << 128) - 1)
SMALL = 10_000
CASES: list[tuple[str, dict[str, str]]] = [
    ("a common word", {"q": "watercolour"}),
    ("a word of one in ten", {"q": "dawn"}),
    ("a word of one in a hundred", {"q": "lighthouse"}),
    ("a rare word", {"q": "umetha"}),
    ("a word that is nowhere", {"q": "zzzzz"}),
    ("two Chinese words", {"q": "灯塔 水墨"}),
    ("one Chinese letter", {"q": "船"}),
    ("two Korean words", {"q": "고양이 수묵화"}),
    ("gateway and stars", {"provider": "runware", "rating": "4"}),
    ("shape and kind", {"aspect": "16:9", "kind": "uploaded"}),
    ("a seed that is nowhere", {"seed": "7"}),
    ("a common word and a seed", {"q": "watercolour", "seed": "7"}),
    ("word, tag and stars", {"q": "boat", "tag": "hero", "rating": "3"}),
]
_IDS = """
SELECT id FROM generations_asset WHERE project_id = %s AND trashed_at IS NULL AND id < %s ORDER BY id DESC LIMIT 51
"""
_BARE = """
SELECT id, kind, project_id, user_id, name, prompt, provider, model, sha256, bytes, format, width, height, seed,
  revised_prompt, flagged, sandbox, late, charged, tags, rating, favorite_of, created_at, trashed_at
FROM generations_asset WHERE project_id = %s AND trashed_at IS NULL AND id < %s ORDER BY id DESC LIMIT 50
"""


def main() -> None:
    number = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    with stage.prepare():
        from django.core.management import call_command

        from accounts import actions
        from accounts.models import Project, User
        from accounts.principal import Principal

        me = Principal(User.objects.get())
        big = actions.create_project(principal=me, name="A million")
        call_command("seed_library", str(number), project=str(big.id), real=0, verbosity=0)
        others = [actions.create_project(principal=me, name=f"Ten thousand {n}") for n in range(9)]
        for other in others:
            call_command("seed_library", str(SMALL), project=str(other.id), real=0, verbosity=0)
        measure(me, big, number, Project.objects.get(id=others[0].id))


def measure(me: Any, big: Any, number: int, small: Any) -> None:
    """Print every row; ``big`` has ``number`` pictures."""
    from generations.models.search import Search

    pages(me, big, number, small)
    for what, said in CASES:
        searches = [Search.read({**said, "project": str(project.id)}) for project in (big, small)]
        searched(me, what, searches)
    for what, said in (("nothing", {}), *CASES[1:4], CASES[8]):
        searches = [Search.read({**said, "project": str(project.id)}) for project in (big, small)]
        counted(me, f"counts of every facet, {what}", searches)
    endpoint(me, big)


def pages(me: Any, big: Any, number: int, small: Any) -> None:
    from generations.models.finding import page_of
    from generations.models.search import Search

    of_big, of_small = Search(project=big.id), Search(project=small.id)
    deep, shallow = nth(big.id, number // 2), nth(small.id, SMALL // 2)
    first = median(lambda: page_of(me, of_big, limit=LIMIT))
    compare("first page", first, median(lambda: page_of(me, of_small, limit=LIMIT)))
    over("first page", first, partial(run, [(_IDS, [big.id, EDGE])]))
    there = median(lambda: page_of(me, of_big, before=deep, limit=LIMIT))
    over(f"page at depth {number // 2:,}", there, partial(run, [(_IDS, [big.id, deep])]))
    compare(
        f"page at depth {number // 2:,}",
        there,
        median(lambda: page_of(me, of_small, before=shallow, limit=LIMIT)),
    )
    stage.row(f"page at depth {number // 2:,}", "first page", f"{there / first:.2f} ×", "")


def searched(me: Any, what: str, searches: list[Any]) -> None:
    """One page of a search in the project of a million and in the one of ten thousand."""
    from generations.models.finding import page_of

    times = [timed(partial(page_of, me, search, limit=LIMIT)) for search in searches]
    found = len(page_of(me, searches[0], limit=LIMIT).ids)
    big, small = (sorted(one)[len(one) // 2] for one in times)
    p95 = stage.percentile(times[0], 0.95)
    stage.row(
        f"newest 50 of {what}",
        "10,000 pictures",
        f"{big / small:.2f} ×",
        f"{big * 1000:.1f} ms (p95 {p95 * 1000:.1f}) against {small * 1000:.1f}; {found} found",
    )
    over(f"newest 50 of {what}", big, bare(partial(page_of, me, searches[0], limit=LIMIT)))


def counted(me: Any, what: str, searches: list[Any]) -> None:
    from generations.models.facets import facets

    big, small = (median(partial(facets, me, search), 5) for search in searches)
    total = facets(me, searches[0]).total
    stage.row(
        what,
        "10,000 pictures",
        f"{big / small:.2f} ×",
        f"{big * 1000:.0f} ms against {small * 1000:.0f}; {total}",
    )
    over(what, big, bare(partial(facets, me, searches[0])), 5)


def endpoint(me: Any, big: Any) -> None:
    """The whole endpoint with a key, against its rows by psycopg as JSON and nothing else."""
    import json

    from django.db import connection
    from django.test import Client

    from accounts import actions

    _, secret = actions.create_api_key(user=me.user, name="bench")
    client = Client(headers={"authorization": f"Bearer {secret}"}, SERVER_NAME="localhost")
    path = f"/api/v1/assets?project={big.id}&limit={LIMIT}"

    def rows() -> None:
        with connection.cursor() as cursor:
            cursor.execute(_BARE, [big.id, EDGE])
            json.dumps(cursor.fetchall(), default=str)

    def ours() -> None:
        assert client.get(path).status_code == 200

    ratios = sorted(median(rows) / median(ours) for _ in range(5))
    stage.row(
        "list of 50, whole endpoint with key",
        "bare psycopg and json",
        f"{ratios[2]:.2f} ×",
        f"{median(ours) * 1000:.1f} ms against {median(rows) * 1000:.1f}; {stage.machine()}",
    )


def nth(project: UUID, number: int) -> str:
    """The id of the project's picture at this depth; how long that takes is not measured."""
    from generations.models import Asset

    rows = Asset.objects.filter(project=project, trashed_at=None).order_by("-id").values_list("id", flat=True)
    return str(rows[number : number + 1][0])


def compare(what: str, big: float, small: float) -> None:
    stage.row(
        what, "10,000 pictures", f"{big / small:.2f} ×", f"{big * 1000:.2f} ms against {small * 1000:.2f}"
    )


def over(what: str, ours: float, floor: Callable[[], object], rounds: int = ROUNDS) -> None:
    """What we take, against PostgreSQL alone."""
    alone = median(floor, rounds)
    stage.row(
        what,
        "bare SQL of the same rows",
        f"{ours / alone:.2f} ×",
        f"{ours * 1000:.2f} ms against {alone * 1000:.2f}",
    )


def bare(work: Callable[[], object]) -> Callable[[], None]:
    """The statements by which it reads pictures or their tallies, with nothing of ours around them."""
    from django.db import connection

    sent: list[tuple[str, Any]] = []

    def note(execute: Any, sql: str, values: Any, many: bool, context: Any) -> Any:
        if "generations_" in sql:
            sent.append((sql, values))
        return execute(sql, values, many, context)

    with connection.execute_wrapper(note):
        work()
    return partial(run, sent)


def run(statements: list[tuple[str, Any]]) -> None:
    from django.db import connection

    with connection.cursor() as cursor:
        for sql, values in statements:
            cursor.execute(sql, values)
            cursor.fetchall()


def timed(work: Callable[[], object], rounds: int = ROUNDS) -> list[float]:
    work()
    times = []
    for _ in range(rounds):
        begun = time.perf_counter()
        work()
        times.append(time.perf_counter() - begun)
    return times


def median(work: Callable[[], object], rounds: int = ROUNDS) -> float:
    return sorted(timed(work, rounds))[rounds // 2]


if __name__ == "__main__":
    main()
