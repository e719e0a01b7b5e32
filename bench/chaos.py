"""A longer storm than the tests': python bench/chaos.py [strikes] [storms], each storm with another seed.

Real workers are killed and paused and the database is cut off at random while pictures are made at every
gateway; then our books, the gateways' bill and the stored objects must tell one story: exit code 0.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

STRIKES, STORMS = 120, 5
TEST = "tests/kill/test_chaos.py"


def main(strikes: str = str(STRIKES), storms: str = str(STORMS)) -> int:
    for seed in range(1, int(storms) + 1):
        print(f"storm {seed}: {strikes} strikes, {int(strikes) * 5} generations", flush=True)
        environment = {**os.environ, "STORM_STRIKES": strikes, "STORM_SEED": str(seed)}
        command = [sys.executable, "-m", "pytest", "-q", TEST]
        if code := subprocess.run(command, cwd=Path(__file__).parents[1], env=environment).returncode:
            return code
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
