"""What every test that needs a broker shares: one private RabbitMQ node, and our programs running at it.

Without RabbitMQ or Tesseract the tests that need them are skipped, and the last lines of the run say so. With
CI=true they fail instead: a run that checked nothing must not look like one that passed.
"""

import shutil
from collections.abc import Iterator

import pytest
from private_broker import BrokerError, PrivateBroker, find_epmd, find_server

from tests.absent import ABSENT, fail_or_skip
from tests.running import Services

pytest.register_assert_rewrite("tests.contract.foreign_peers")


def pytest_configure(config: pytest.Config) -> None:
    config.stash[ABSENT] = set()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    missing = config.stash[ABSENT]
    for what in sorted(missing):
        terminalreporter.section(f"NOT TESTED, because {what} is not here", red=True)


@pytest.fixture(scope="session")
def broker(tmp_path_factory: pytest.TempPathFactory, pytestconfig: pytest.Config) -> Iterator[PrivateBroker]:
    """A RabbitMQ node of this test session on free ports."""
    try:
        find_server()
        find_epmd()
    except BrokerError:
        fail_or_skip("RabbitMQ", pytestconfig)
    with PrivateBroker(tmp_path_factory.mktemp("rabbitmq")) as running:
        yield running


@pytest.fixture(scope="session")
def tesseract(pytestconfig: pytest.Config) -> None:
    """For tests that read an image: Tesseract and its language data are there."""
    if shutil.which("tesseract") is None:
        fail_or_skip("Tesseract", pytestconfig)


@pytest.fixture
def services(broker: PrivateBroker, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Services]:
    """Starts our programs for one test. Not together with `module_services`: both clean up the same broker."""
    running = Services(broker.port, tmp_path_factory.mktemp("s"))
    try:
        yield running
    finally:
        running.close()


@pytest.fixture(scope="module")
def module_services(broker: PrivateBroker, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Services]:
    """Starts our programs for all tests of a module."""
    running = Services(broker.port, tmp_path_factory.mktemp("s"))
    try:
        yield running
    finally:
        running.close()
