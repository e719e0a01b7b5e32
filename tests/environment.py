"""Loaded before anything else: where the tests live, so that no test can touch real data.

Without TEST_DATABASE_URL the tests run on the embedded PostgreSQL, in a folder of their own
that every worker process shares.
"""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile
from contextlib import ExitStack
from pathlib import Path

FOLDER = "SEEDBANK_TEST_FOLDER"


def _prepare() -> None:
    ours = FOLDER not in os.environ
    folder = Path(os.environ.setdefault(FOLDER, tempfile.mkdtemp(prefix="seedbank-tests-") if ours else ""))
    kept = {name: value for name, value in os.environ.items() if name.startswith("TEST_")}
    for name in ("DATABASE_URL", "BROKER_URL", "STORAGE_URL", "PUBLIC_URL", "EMAIL_URL", "API_RATE", "PORT"):
        os.environ.pop(name, None)
        if kept.get(f"TEST_{name}"):
            os.environ[name] = kept[f"TEST_{name}"]
    os.environ |= {
        "SEEDBANK_TESTING": "1",
        "DATA_DIR": str(folder / "var"),
        "SECRET_KEY": "only for tests",
        "FIELD_KEYS": "k1:" + "5e" * 32,
        "SANDBOX": "1",
        "ALLOWED_HOSTS": "localhost,127.0.0.1,testserver",
    }
    if ours:
        atexit.register(_clean, folder)
    if "DATABASE_URL" not in os.environ:
        from config.embedded import postgres

        held = ExitStack()
        held.enter_context(postgres.hold(folder / "var"))
        atexit.register(held.close)


def _clean(folder: Path) -> None:
    cluster = folder / "var" / "postgres"
    if cluster.is_symlink():
        shutil.rmtree(cluster.resolve(), ignore_errors=True)
    shutil.rmtree(folder, ignore_errors=True)


_prepare()
