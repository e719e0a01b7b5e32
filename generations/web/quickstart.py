"""Code that works as it stands, against this server. The key comes from SEEDBANK_API_KEY."""

from __future__ import annotations

from dataclasses import dataclass

_CURL = """\
curl -s {address}/api/v1/generations \\
  -H "Authorization: Bearer $SEEDBANK_API_KEY" \\
  -H "Content-Type: application/json" \\
  -H "Prefer: wait=120" \\
  -d '{{"model": "{model}", "prompt": "an ink-wash mountain at dawn", "max_price": "0.05"}}'
"""

_PYTHON = """\
import os
from pathlib import Path

import httpx

server = httpx.Client(
    base_url="{address}/api/v1",
    headers={{"Authorization": "Bearer " + os.environ["SEEDBANK_API_KEY"]}},
    timeout=150,
    follow_redirects=True,
)
made = server.post(
    "/generations",
    json={{"model": "{model}", "prompt": "an ink-wash mountain at dawn", "max_price": "0.05"}},
    headers={{"Prefer": "wait=120", "Idempotency-Key": "mountain-1"}},
).raise_for_status().json()
for asset in made["assets"]:
    picture = server.get(asset["url"]).raise_for_status()
    Path(asset["id"] + "." + asset["format"]).write_bytes(picture.content)
print(made["status"], made["price"]["charged"])
"""

_OPENAI = """\
import os

from openai import OpenAI

client = OpenAI(base_url="{address}/v1", api_key=os.environ["SEEDBANK_API_KEY"])
made = client.images.generate(model="{model}", prompt="an ink-wash mountain at dawn")
print(made.data[0].url)
"""


@dataclass(frozen=True)
class Snippet:
    """One way to ask: ``slug`` for the address, ``name`` for people, ``code`` to copy."""

    slug: str
    name: str
    code: str


def snippets(address: str, model: str) -> list[Snippet]:
    """For the server at this address."""
    return [
        Snippet(slug, name, text.format(address=address, model=model))
        for slug, name, text in (
            ("curl", "curl", _CURL),
            ("python", "Python", _PYTHON),
            ("openai", "OpenAI SDK", _OPENAI),
        )
    ]
