from collections.abc import Iterator

import pytest

from providers.sandbox.server import Sandbox, start


@pytest.fixture(scope="session")
def sandbox_process() -> Iterator[Sandbox]:
    with start(latency=0) as running:
        yield running


@pytest.fixture(scope="session")
def punctual_sandbox() -> Iterator[Sandbox]:
    """One whose clock nobody moves, so that the moments it names can be compared with its Date header."""
    with start(latency=0) as running:
        yield running


@pytest.fixture
def sandbox(sandbox_process: Sandbox) -> Sandbox:
    """The five gateways over real HTTP: nothing done yet, nothing going wrong, small pictures."""
    sandbox_process.control.reset()
    sandbox_process.control.settings(picture="tiny")
    return sandbox_process
