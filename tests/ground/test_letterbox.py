"""Messages of the embedded default are read whole or not at all."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from kombu import Connection

from config.embedded import letterbox


def test_a_message_whose_writing_fails_leaves_nothing_to_stumble_over(tmp_path: Path) -> None:
    folders = {name: str(tmp_path) for name in ("data_folder_in", "data_folder_out", "control_folder")}
    with Connection(f"{letterbox.NAME}://localhost//", transport_options=folders) as link:
        channel: Any = link.channel()
        with pytest.raises(TypeError):
            channel._put("wake", {"not for json": object()})
        assert not list(tmp_path.glob("*.msg"))

        channel._put("wake", {"n": 1})
        assert channel._get("wake") == {"n": 1}
