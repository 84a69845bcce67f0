"""The stage of each fault test, and the table of faults at the end of a run."""

import dataclasses
from collections.abc import Generator, Iterator
from pathlib import Path

import pytest

from tests.faults.container_broker import Broker
from tests.faults.stage import Stage


@dataclasses.dataclass(frozen=True)
class Row:
    """One line of the table. first, last: seconds from healing to the first and the last answer; None: none came."""

    fault: str
    when: str
    first: float | None
    last: float | None
    result: str


ROWS: list[Row] = []
LINES_SHOWN = 40  # of each service, when a test fails


@pytest.fixture
def stage(tesseract: None, broker: Broker, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """A stage at the broker of this run."""
    yield from _staged(broker, tmp_path_factory.mktemp("s"))


@pytest.fixture
def own_stage(tesseract: None, own_broker: Broker, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """A stage at a broker that the test may kill."""
    yield from _staged(own_broker, tmp_path_factory.mktemp("s"))


def _staged(broker: Broker, folder: Path) -> Iterator[Stage]:
    stage = Stage(broker, folder)
    try:
        yield stage
    finally:
        stage.close()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    if report.when != "call" or not isinstance(item, pytest.Function):
        return report
    stage = item.funcargs.get("own_stage") or item.funcargs.get("stage")
    if not isinstance(stage, Stage):
        return report
    if report.failed:
        for service in stage.services.started:
            lines = service.output().splitlines()[-LINES_SHOWN:]
            report.sections.append((f"the end of what {service.module} printed", "\n".join(lines)))
    marker = item.get_closest_marker("fault")
    if marker is not None:
        parameters = item.callspec.params if hasattr(item, "callspec") else {}
        what, when = (text.format_map(parameters) for text in marker.args)
        first, last = stage.recovery or (None, None)
        ROWS.append(Row(what, when, first, last, "kept" if report.passed else report.outcome))
    return report


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    if not ROWS:
        return
    lines = [
        "| fault | when | first answer after (s) | all answered after (s) | invariants |",
        "|---|---|---|---|---|",
        *(f"| {row.fault} | {row.when} | {_shown(row.first)} | {_shown(row.last)} | {row.result} |" for row in ROWS),
    ]
    terminalreporter.section("faults")
    for line in lines:
        terminalreporter.line(line)
    if path := config.getoption("--fault-table"):
        Path(path).write_text("\n".join(lines) + "\n", encoding="utf-8")


def _shown(seconds: float | None) -> str:
    return "-" if seconds is None else f"{seconds:.1f}"
