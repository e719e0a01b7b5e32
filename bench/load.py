"""A small load generator in a process of its own, so that what it costs is not counted as anybody's.

``python -m bench.load ADDRESS AT_ONCE SECONDS BODY HEADER…`` keeps so many requests in flight over
connections of its own and prints how many were answered below 300, how many were not, and the p95.
A header ``Idempotency-Key:`` without a value gets a fresh one for each request.
"""

from __future__ import annotations

import http.client
import subprocess
import sys
import threading
import time
from dataclasses import dataclass
from urllib.parse import urlsplit
from uuid import uuid4

from bench import stage


@dataclass(frozen=True, slots=True)
class Load:
    """Requests a second, those not answered well, and the 95th percentile in seconds."""

    rate: float
    refused: int
    p95: float


def measure(address: str, at_once: int, seconds: float, body: str, *headers: str) -> Load:
    """Run the generator and read what it saw."""
    command = [sys.executable, "-m", "bench.load", address, str(at_once), str(seconds), body, *headers]
    said = subprocess.run(command, cwd=stage.ROOT, capture_output=True, text=True, check=True).stdout.split()
    return Load(float(said[0]), int(said[1]), float(said[2]))


def main(address: str, at_once: str, seconds: str, body: str, *headers: str) -> None:
    parts = urlsplit(address)
    fixed = {"Content-Type": "application/json"}
    fixed |= {name: value.strip() for name, _, value in (header.partition(":") for header in headers)}
    times: list[float] = []
    refused: list[int] = []
    begun = time.monotonic()

    def one() -> None:
        link = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=30)
        while (start := time.monotonic()) < begun + float(seconds):
            fresh = {name: value or str(uuid4()) for name, value in fixed.items()}
            link.request("POST", parts.path, body, fresh)
            answer = link.getresponse()
            answer.read()
            if answer.status < 300:
                times.append(time.monotonic() - start)
            else:
                refused.append(answer.status)

    threads = [threading.Thread(target=one) for _ in range(int(at_once))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    p95 = stage.percentile(times, 0.95) if times else 0.0
    print(len(times) / (time.monotonic() - begun), len(refused), p95)


if __name__ == "__main__":
    main(*sys.argv[1:])
