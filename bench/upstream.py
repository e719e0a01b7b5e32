"""The smallest gateway there can be: every question is answered with one small picture after LATENCY seconds.

``python -m bench.upstream PORT LATENCY``
"""

from __future__ import annotations

import asyncio
import base64
import io
import json
import sys

from PIL import Image


def answer() -> bytes:
    """One HTTP answer in the words of OpenAI's Images API, which AIgateway speaks too."""
    picture = io.BytesIO()
    Image.effect_noise((64, 64), 80).convert("RGB").save(picture, "PNG")
    data = {"created": 1, "data": [{"b64_json": base64.b64encode(picture.getvalue()).decode()}]}
    body = json.dumps(data).encode()
    head = f"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n"
    return head.encode() + body


async def serve(port: int, latency: float) -> None:
    """Until killed."""
    said = answer()

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).lower()
                _, named, rest = head.partition(b"content-length:")
                await reader.readexactly(int(rest.split(b"\r\n")[0]) if named else 0)
                if latency:
                    await asyncio.sleep(latency)
                writer.write(said)
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    async with await asyncio.start_server(talk, "127.0.0.1", port) as server:
        await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[1]), float(sys.argv[2])))
