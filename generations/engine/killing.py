"""Named moments at which a test may have this process killed, to prove that nothing depends on its life.

Outside tests (``SEEDBANK_TESTING``) every moment passes unnoticed.
"""

from __future__ import annotations

import os
import signal
from pathlib import Path

_MOMENT = os.environ.get("SEEDBANK_KILL_AT", "") if os.environ.get("SEEDBANK_TESTING") else ""
_ONCE = os.environ.get("SEEDBANK_KILL_ONCE", "")


def moment(name: str) -> None:
    """Die here with SIGKILL if a test asked for this moment; with a marker file, only the first time."""
    if name != _MOMENT:
        return
    if _ONCE:
        try:
            Path(_ONCE).touch(exist_ok=False)
        except FileExistsError:
            return
    os.kill(os.getpid(), signal.SIGKILL)
