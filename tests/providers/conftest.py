from collections.abc import Iterator

import pytest

from providers.sandbox.server import Sandbox, start


@pytest.fixture(scope="session")
def gateways_process() -> Iterator[Sandbox]:
    with start(latency=0) as running:
        yield running


@pytest.fixture
def gateways(gateways_process: Sandbox) -> Sandbox:
    """The five gateways over real HTTP: nothing done yet, nothing going wrong, small pictures."""
    gateways_process.control.reset()
    gateways_process.control.settings(picture="tiny")
    return gateways_process
