"""Who may import whom (the house in docs/decisions.md): read from the source, not run."""

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SERVICES = ("client", "websocket_server", "ocr_server")
SHARED = ("protocol", "settings")
IO_LIBRARIES = {"websockets", "websocket", "aio_pika", "aiormq", "pika", "tesserocr", "pytesseract", "tqdm", "uvloop"}
IO_MODULES = IO_LIBRARIES | {"asyncio", "socket", "subprocess", "threading", "multiprocessing"}

PURE = (
    *("protocol/messages.py", "protocol/bodies.py", "protocol/topology.py", "protocol/errors.py"),
    *("protocol/messages_v2.py", "protocol/frames_v2.py", "protocol/codecs_v2.py", "protocol/control.py"),
    "protocol/undecodable_answers.py",
    *("client/session.py", "client/session_v2.py", "client/events.py", "client/outstanding.py"),
    *("client/closed_requests.py", "client/reconnecting.py", "client/formats.py", "client/options.py"),
    "client/framing.py",
    *("websocket_server/session.py", "websocket_server/registry.py"),
    *(
        f"websocket_server/{one}.py"
        for one in ("actions", "announced", "memory", "outstanding", "rate_limit", "session_v2", "unreceived")
    ),
    *("websocket_server/closed_requests.py", "websocket_server/in_flight.py"),
    "websocket_server/amqp_frames.py",
    *("ocr_server/job.py", "ocr_server/control.py", "ocr_server/attempts.py"),
    *(f"ocr_server/{one}.py" for one in ("looks", "ways", "reading", "scripts", "chinese")),
    *(f"ocr_server/{one}.py" for one in ("options", "cancellations", "pace", "confirms", "handover", "amqp_frames")),
    *(
        f"ocr_server/outputs/{one}.py"
        for one in (
            "__init__",
            "alto",
            "base_line",
            "hocr",
            "ink",
            "layout",
            "projective",
            "tesseract",
            "text_layer",
            "tsv",
            "words",
        )
    ),
)

ONLY_IN = {
    "websockets": {"websocket_server/gateway.py", "websocket_server/transport.py"},
    "aio_pika": {
        f"websocket_server/{one}.py"
        for one in ("broker", "link", "held_queues", "held_consumers", "fanouts", "batches")
    },
    "aiormq": {  # below aio-pika, for what there is of every image
        f"websocket_server/{one}.py"
        for one in ("broker", "link", "held_consumers", "deliveries", "batches", "publisher")
    },
    "websocket": {"client/connection.py", "client/frames.py"},
    "tqdm": {"client/console.py"},
    "uvloop": {"websocket_server/event_loop.py"},
    "pika": {
        f"ocr_server/{name}.py"
        for name in ("consumer", "link", "answers", "broadcasts", "connection", "fast_connection")
    },
    "PIL": {"ocr_server/image.py", "ocr_server/letters.py", "ocr_server/decoders.py"},
    "pillow_heif": {"ocr_server/decoders.py"},
    "cv2": {
        f"ocr_server/preprocess/{one}.py"
        for one in ("columns", "grain", "joined", "light", "look", "mend", "slope", "straight")
    },
    "numpy": {
        "ocr_server/outputs/base_line.py",
        *(
            f"ocr_server/preprocess/{one}.py"
            for one in ("columns", "grain", "joined", "light", "mend", "slope", "straight")
        ),
    },
    "tesserocr": {"ocr_server/engine.py", "ocr_server/installation.py"},
    "pytesseract": {"ocr_server/engine.py"},
    "pikepdf": {"ocr_server/outputs/pdf.py"},
    "prometheus_client": {"websocket_server/metrics.py", "ocr_server/metrics.py"},
}


def _sources() -> list[Path]:
    return [path for package in (*SERVICES, *SHARED) for path in sorted((ROOT / package).rglob("*.py"))]


def _imports(path: Path) -> Iterator[str]:
    """Every imported module, in full; relative ones resolved; `importlib.import_module("…")` too."""
    package = path.relative_to(ROOT).parent.parts
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = package[: len(package) - node.level + 1] if node.level else ()
            module = ".".join((*above, *filter(None, [node.module])))
            yield from (f"{module}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Call) and ast.unparse(node.func) == "importlib.import_module":
            assert isinstance(node.args[0], ast.Constant)
            yield str(node.args[0].value)


def _name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


@pytest.mark.parametrize("path", _sources(), ids=_name)
def test_services_never_import_each_other_and_nobody_imports_a_main(path: Path) -> None:
    own = path.relative_to(ROOT).parts[0]
    imported = set(_imports(path))
    tops = {one.split(".")[0] for one in imported}
    assert not [one for one in imported if "__main__" in one.split(".")]
    assert tops & {*SERVICES, *SHARED, "tests", "benchmarks", "script"} <= {own, *SHARED}
    if own == "protocol":
        assert {top for top in tops if top not in sys.stdlib_module_names} <= {"protocol", "msgspec"}
    if own == "settings":
        assert {top for top in tops if top not in sys.stdlib_module_names} <= {"protocol", "settings"}


@pytest.mark.parametrize("name", PURE)
def test_pure_modules_import_no_io(name: str) -> None:
    assert {one.split(".")[0] for one in _imports(ROOT / name)} & IO_MODULES == set()


@pytest.mark.parametrize("library", ONLY_IN)
def test_each_library_has_its_module(library: str) -> None:
    users = {_name(path) for path in _sources() if library in {one.split(".")[0] for one in _imports(path)}}
    assert users == ONLY_IN[library]
