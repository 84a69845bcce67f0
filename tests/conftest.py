"""What every test that needs a broker shares: one private RabbitMQ node, and our programs running at it.

Without RabbitMQ or Tesseract the tests that need them are skipped, and the last lines of the run say so. With
CI=true they fail instead: a run that checked nothing must not look like one that passed.

With `--broker-image` the broker runs in a container. Tests that are marked slow run with `--slow` only.
"""

import shutil
from collections.abc import Iterator
from pathlib import Path

import hypothesis
import pytest
from private_broker import BrokerError, find_epmd, find_server

from tests.absent import ABSENT, fail_or_skip
from tests.faults.container_broker import Broker, has_image, new_broker
from tests.faults.ending import on_request_to_end
from tests.running import Services

pytest.register_assert_rewrite("tests.contract.foreign_peers", "tests.contract.foreign_peers_v2")


LEFT_OUT = pytest.StashKey[int]()


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--slow", action="store_true", help="run the tests that are marked slow, too")
    parser.addoption(
        "--broker-image", metavar="IMAGE", help="run RabbitMQ in a container of this image, as in rabbitmq:4-management"
    )
    parser.addoption("--fault-table", metavar="FILE", help="write the table of faults to this file, as Markdown")


def pytest_configure(config: pytest.Config) -> None:
    on_request_to_end(lambda code: pytest.exit("told to end by a signal", code))
    hypothesis.settings.register_profile(
        "no speed is asserted", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow]
    )
    hypothesis.settings.load_profile("no speed is asserted")
    config.stash[ABSENT] = set()
    config.stash[LEFT_OUT] = 0
    config.addinivalue_line("markers", "slow: takes long; runs with --slow only, as script/faults does")
    config.addinivalue_line("markers", "fault(what, when): a row of the table of faults that script/faults prints")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if config.getoption("--slow"):
        return
    slow = [item for item in items if item.get_closest_marker("slow")]
    config.stash[LEFT_OUT] = len(slow)
    config.hook.pytest_deselected(items=slow)
    items[:] = [item for item in items if item not in slow]


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    if left_out := config.stash[LEFT_OUT]:
        terminalreporter.section(f"{left_out} slow tests were left out: script/faults and pytest --slow run them")
    missing = config.stash[ABSENT]
    for what in sorted(missing):
        terminalreporter.section(f"NOT TESTED, because {what} is not here", red=True)


@pytest.fixture(scope="session")
def broker_image(pytestconfig: pytest.Config) -> str | None:
    """The image of `--broker-image`, which is here; None: RabbitMQ as it is installed here, which it is."""
    image: str | None = pytestconfig.getoption("--broker-image")
    if image is not None:
        if not has_image(image):
            fail_or_skip(f"a Docker engine with the image {image}", pytestconfig)
        return image
    try:
        find_server()
        find_epmd()
    except BrokerError:
        fail_or_skip("RabbitMQ", pytestconfig)
    return None


@pytest.fixture(scope="session")
def broker(tmp_path_factory: pytest.TempPathFactory, broker_image: str | None) -> Iterator[Broker]:
    """A RabbitMQ node of this test session on free ports."""
    with new_broker(broker_image, tmp_path_factory.mktemp("rabbitmq")) as running:
        yield running


@pytest.fixture
def own_broker(tmp_path: Path, broker_image: str | None) -> Iterator[Broker]:
    """A RabbitMQ node of this test alone, to be killed as well. It shares nothing, because RabbitMQ does not survive a
    SIGKILL soon after quorum queues were declared, which other tests do.
    """
    with new_broker(broker_image, tmp_path / "broker") as running:
        yield running


@pytest.fixture(scope="session")
def tesseract(pytestconfig: pytest.Config) -> None:
    """For tests that read an image: Tesseract and its language data are there."""
    if shutil.which("tesseract") is None:
        fail_or_skip("Tesseract", pytestconfig)


@pytest.fixture
def services(broker: Broker, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Services]:
    """Starts our programs for one test. Not together with `module_services`: both clean up the same broker."""
    running = Services(broker.port, tmp_path_factory.mktemp("s"))
    try:
        yield running
    finally:
        running.close()


@pytest.fixture(scope="module")
def module_services(broker: Broker, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Services]:
    """Starts our programs for all tests of a module."""
    running = Services(broker.port, tmp_path_factory.mktemp("s"))
    try:
        yield running
    finally:
        running.close()
