"""The embedded default's broker: kombu's files, each of which appears only when it is whole.

kombu makes a message's file and then writes it; a worker that looks in between reads nothing
and dies of it.
"""

from __future__ import annotations

import time
import uuid
from pathlib import Path
from typing import Any

from kombu.exceptions import ChannelError
from kombu.transport import TRANSPORT_ALIASES, filesystem
from kombu.utils.json import dumps

NAME = "letterbox"


class Channel(filesystem.Channel):
    """Writes beside, then renames: a reader sees all of a message or none of it."""

    def _put(self, queue: str, payload: Any, **_kwargs: Any) -> None:  # type: ignore[override]
        name = f"{round(time.monotonic() * 1000)}_{uuid.uuid4()}.{queue}.msg"
        draft = Path(self.data_folder_out) / f"{name}.part"
        try:
            draft.write_text(dumps(payload))
            draft.rename(draft.with_suffix(""))
        except OSError as error:
            raise ChannelError(f"A message could not be written: {type(error).__name__}") from error


class Transport(filesystem.Transport):
    """What ``letterbox://`` stands for."""

    Channel = Channel


TRANSPORT_ALIASES[NAME] = f"{__name__}:Transport"
