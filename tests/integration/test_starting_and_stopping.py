"""Signals at awkward moments: while processes start, to one of them alone, with peers that never say goodbye."""

import os
import signal
import socket
import struct
import sys
import time
from pathlib import Path

import pytest

from ocr_server.attempts import LONGEST_START
from tests.contract.foreign_peers import ForeignClient, ForeignGateway
from tests.integration.pages import page_that_takes_a_while
from tests.running import ROOT, Service, Services, free_port, http_status, living_processes, ocr_processes, wait_until

MOMENTS = (0.0, 0.03, 0.08, 0.15)  # seconds after "started": before, while and after the processes load


HANDSHAKE = (
    b"GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)
PAGE = b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n"
STOP_WITHOUT_GOODBYE = 8.0  # seconds; less than a peer has for its handshake, or for its part of a close


def _starting(services: Services, moment: float) -> Service:
    """An OCR server without a broker whose processes are at some stage of their start."""
    server = services.ocr_server(f"RabbitMQ.port={free_port()}", processes=2, ready=False)
    server.wait_for_output("started")
    time.sleep(moment)
    return server


@pytest.mark.usefixtures("tesseract")
@pytest.mark.parametrize("moment", MOMENTS)
def test_processes_end_with_a_supervisor_that_is_killed_while_they_start(services: Services, moment: float) -> None:
    server = _starting(services, moment)
    os.kill(server.process.pid, signal.SIGKILL)
    server.process.wait()
    wait_until(lambda: not living_processes(server.process.pid), "all its processes have ended")
    server.assert_nothing_is_left()


@pytest.mark.usefixtures("tesseract")
@pytest.mark.parametrize("moment", MOMENTS)
def test_ctrl_c_while_processes_start_prints_no_traceback(services: Services, moment: float) -> None:
    server = _starting(services, moment)
    os.killpg(server.process.pid, signal.SIGINT)  # as a terminal does it: to all of the foreground group
    assert server.exit_code() == 0
    assert "Traceback" not in server.output()
    server.assert_nothing_is_left()


@pytest.mark.parametrize("moment", MOMENTS)
def test_ctrl_c_while_the_gateway_starts_prints_no_traceback(services: Services, moment: float) -> None:
    gateway = services.gateway(f"RabbitMQ.port={free_port()}", ready=False)
    gateway.wait_for_output("settings of")
    time.sleep(moment)
    os.kill(gateway.process.pid, signal.SIGINT)
    assert gateway.exit_code() == 0
    assert "Traceback" not in gateway.output()


STANDS_STILL = """
import os, signal, sys

if "spawn_main" in " ".join(sys.orig_argv) and not os.path.exists({file!r}):
    with open({file!r}, "x") as file:
        file.write(str(os.getpid()))
    os.kill(os.getpid(), signal.SIGSTOP)
"""
"""Python runs it before all else (its documentation, `site`): the first OCR process writes who it is, and stops."""


def _stopped_before_it_started(services: Services, folder: Path) -> tuple[Service, int]:
    """An OCR server, and its one process, which stands still before it has said anything."""
    stopped = folder / "stopped"
    (folder / "sitecustomize.py").write_text(STANDS_STILL.format(file=str(stopped)), "utf-8")
    server = services.ocr_server(
        f"RabbitMQ.port={free_port()}",
        "ProcessPool.shutdown_grace=2",
        processes=1,
        ready=False,
        extra_environment={"PYTHONPATH": f"{folder}{os.pathsep}{ROOT}"},
    )
    server.wait_for(lambda: stopped.exists() and stopped.read_text("utf-8"), "a process is loading")
    pid = int(stopped.read_text("utf-8"))
    assert os.getpgid(pid) == server.process.pid  # it leads no group of its own yet
    return server, pid


@pytest.mark.usefixtures("tesseract")
@pytest.mark.parametrize("signals", [1, 2])
def test_a_process_that_stands_still_while_it_loads_does_not_hold_up_the_stop(
    services: Services, tmp_path: Path, signals: int
) -> None:
    server, _ = _stopped_before_it_started(services, tmp_path)
    server.process.terminate()
    if signals == 2:
        server.wait_for_output("stopping:")
        server.process.terminate()
    assert server.exit_code() == 0
    server.assert_nothing_is_left()


@pytest.mark.slow
@pytest.mark.usefixtures("tesseract")
def test_a_process_that_stands_still_while_it_loads_is_replaced(services: Services, tmp_path: Path) -> None:
    server, stopped = _stopped_before_it_started(services, tmp_path)
    server.wait_for_output("process replaced: process 1, it did not answer", seconds=LONGEST_START + 30)
    server.wait_for(lambda: ocr_processes(server), "another one is there")
    assert stopped not in living_processes(server.process.pid)


@pytest.mark.usefixtures("tesseract")
def test_a_signal_to_one_ocr_process_does_not_end_it_in_the_middle_of_an_image(services: Services) -> None:
    server = services.ocr_server()
    with ForeignGateway(services.broker_port) as gateway:
        gateway.send("page", page_that_takes_a_while())
        server.wait_for_output("image taken")
        (process,) = ocr_processes(server)
        os.kill(process, signal.SIGTERM)
        assert gateway.take_answer().message()["OcrResult"].startswith("Line 1 ")
    assert ocr_processes(server) == [process]
    assert server.output().count("image taken") == 1


def _stands_still(pid: int) -> bool:
    """Whether all its threads do."""
    states = [stat.read_text().rpartition(")")[2].split()[0] for stat in Path(f"/proc/{pid}/task").glob("*/stat")]
    return set(states) == {"T"}


@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
@pytest.mark.usefixtures("tesseract")
def test_a_process_that_stands_still_when_its_supervisor_is_killed_leaves_nothing(services: Services) -> None:
    server = services.ocr_server()
    (process,) = ocr_processes(server)
    os.kill(process, signal.SIGSTOP)
    wait_until(lambda: _stands_still(process), "it stands still")
    os.kill(server.process.pid, signal.SIGKILL)  # and the system wakes what has nobody left, with SIGHUP and SIGCONT
    server.process.wait()
    server.assert_nothing_is_left()


@pytest.mark.parametrize(
    "said",
    [b"", HANDSHAKE[:-2], HANDSHAKE, PAGE],
    ids=["nothing", "half a handshake", "a handshake", "a request for a page"],
)
def test_a_peer_that_says_no_more_does_not_hold_up_the_gateway(services: Services, said: bytes) -> None:
    gateway = services.gateway()
    with socket.create_connection(("127.0.0.1", gateway.port)) as silent:
        silent.sendall(said)
        if said == HANDSHAKE:
            assert b" 101 " in silent.recv(1000)
        assert http_status(gateway.port, "/healthz") == 200  # the connection before this one has been accepted too
        gateway.process.terminate()
        assert gateway.exit_code(seconds=STOP_WITHOUT_GOODBYE) == 0
    gateway.assert_nothing_is_left()


def test_a_refused_peer_that_never_says_goodbye_does_not_hold_up_the_gateway(services: Services) -> None:
    gateway = services.gateway("WebSocket.max_connections=1")
    with (
        ForeignClient(gateway.port),
        socket.create_connection(("127.0.0.1", gateway.port)) as silent,
        silent.makefile("rb") as heard,
    ):
        silent.sendall(HANDSHAKE)
        while heard.readline() != b"\r\n":
            pass
        assert heard.read(4)[2:] == struct.pack("!H", 1013)
        gateway.process.terminate()
        assert gateway.exit_code(seconds=STOP_WITHOUT_GOODBYE) == 0
    gateway.assert_nothing_is_left()


@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
@pytest.mark.usefixtures("tesseract")
@pytest.mark.parametrize(("preprocess", "is_loaded"), [("auto", True), ("none", False)])
def test_what_prepares_pages_is_loaded_before_the_first_of_them_comes(
    services: Services, preprocess: str, is_loaded: bool
) -> None:
    server = services.ocr_server(f"OCR.preprocess={preprocess}")
    (process,) = ocr_processes(server)
    assert ("cv2" in Path(f"/proc/{process}/maps").read_text(encoding="utf-8")) == is_loaded


@pytest.mark.usefixtures("tesseract")
def test_an_opencv_that_cannot_be_loaded_is_said_at_the_start(services: Services, tmp_path: Path) -> None:
    (tmp_path / "cv2.py").write_text("raise ImportError('libstdc++.so.6 is missing')\n", encoding="utf-8")
    path = {"PYTHONPATH": f"{tmp_path}{os.pathsep}{ROOT}"}
    server = services.ocr_server(ready=False, extra_environment=path)
    assert server.exit_code() != 0
    assert "OpenCV, which prepares pages, cannot be loaded (libstdc++.so.6 is missing)" in server.output()
    assert "Traceback" not in server.output()
