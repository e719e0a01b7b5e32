"""Every benchmark, one after another: ``make bench``."""

from __future__ import annotations

import subprocess
import sys

print("| what | against | ratio | details |\n|---|---|---|---|", flush=True)
for name in ("accepting", "added", "in_flight", "peer", "library", "browser"):
    subprocess.run([sys.executable, "-m", f"bench.{name}"], check=False)
