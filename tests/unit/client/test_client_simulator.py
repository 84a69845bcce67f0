"""`python -m client` at a real WebSocket server: what is printed, saved, and the exit code."""

import json
import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from client.__main__ import main
from client.folder import ImageFile
from client.simulator import Work
from settings.command_line import Exit
from tests.unit.client.fake_gateway import SECONDS, FakeGateway, Visit, cut, damaged, read_but, running, silence

ROOT = Path(__file__).resolve().parents[3]
Run = Callable[..., tuple[int, list[str]]]


@pytest.fixture
def run(gateway: FakeGateway, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Run:
    """Runs the simulator at the fake gateway; gives the exit code and the printed lines."""
    for name in [name for name in os.environ if name.startswith("OCR_")]:
        monkeypatch.delenv(name)

    def at_the_gateway(*arguments: object) -> tuple[int, list[str]]:
        code = main(["--set", f"WebSocket.url={gateway.url}", *map(str, arguments)])
        return code, capsys.readouterr().out.splitlines()

    return at_the_gateway


def _with(lines: list[str], words: str) -> list[str]:
    return [line for line in lines if words in line]


def test_the_lines_of_the_contract_are_printed_in_order_then_the_table(
    gateway: FakeGateway, run: Run, folder: Path
) -> None:
    code, lines = run(folder, "--set", "ThreadPool.max_thread=1")
    assert code == Exit.OK
    events = [
        re.sub(r"\(.* bytes\)|in .* s$|uuid-\d", "…", line.partition("] ")[2]) for line in lines[1:] if "[" in line
    ]
    assert events[:12] == [
        *(f"connected to {gateway.url}", "ClientUUID assigned: …"),
        *("image sent: a.png …", "accepted: a.png", "result: a.png …"),
        *("image sent: b.png …", "accepted: b.png", "result: b.png …"),
        *("all sent: 2 images", "disconnected: all images are answered"),
        *(f"connected to {gateway.url}", "ClientUUID assigned: …"),
    ]
    assert lines[lines.index(_with(lines, "result: a.png")[0]) + 1] == "    text of a.png"
    assert re.fullmatch(r"\[\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{6}\]\[Client 1\] connected to .*", lines[1])
    assert "settings of " in lines[0]
    assert lines[-2].split()[:3] == ["images", "done", "failed"]
    assert lines[-1].split()[:3] == ["3", "3", "0"]
    assert [one["ClientName"] for one in gateway.messages if "ClientName" in one] == ["Client 1", "Client 2"]


def test_each_connection_takes_its_images_one_after_another(gateway: FakeGateway, run: Run, folder: Path) -> None:
    outstanding: set[str] = set()
    most = 0

    def count(visit: Visit, name: str) -> None:
        nonlocal most
        outstanding.add(name)
        most = max(most, len(outstanding))
        visit.say("PENDING", name)
        outstanding.discard(name)
        visit.say("SUCCESS", name, "text")

    gateway.on_image = count
    assert run(folder, "--set", "ThreadPool.max_thread=1")[0] == Exit.OK
    assert most == 1
    assert gateway.uploads == [(1, "a.png"), (1, "b.png"), (2, "c.png")]


def test_several_images_are_in_flight_when_that_is_set(gateway: FakeGateway, run: Run, folder: Path) -> None:
    def answer_the_third_first(visit: Visit, _: str) -> None:
        if len(gateway.names) == 3:  # else it waits: three must come without an answer in between
            for name in reversed(gateway.names):
                visit.read(name)

    gateway.on_image = answer_the_third_first
    code, lines = run(folder, "--set", "Client.max_in_flight=3", "--set", "ThreadPool.images_per_connection=3")
    assert code == Exit.OK
    assert gateway.uploads == [(1, "a.png"), (1, "b.png"), (1, "c.png")]
    for name in ("a.png", "b.png", "c.png"):
        assert lines[lines.index(_with(lines, f"result: {name}")[0]) + 1] == f"    text of {name}"


def test_threads_work_side_by_side(gateway: FakeGateway, run: Run, folder: Path) -> None:
    everybody = threading.Barrier(3)

    def wait_for_the_others(visit: Visit, name: str) -> None:
        everybody.wait(SECONDS)
        visit.read(name)

    gateway.on_image = wait_for_the_others
    assert run(folder, "--set", "ThreadPool.images_per_connection=1")[0] == Exit.OK
    assert sorted(gateway.names) == ["a.png", "b.png", "c.png"]


def test_a_failed_image_is_told_and_counted_and_the_others_are_read(
    gateway: FakeGateway, run: Run, folder: Path
) -> None:
    gateway.on_image = read_but("b.png", damaged)
    code, lines = run(folder)
    assert code == Exit.IMAGE_FAILED
    assert _with(lines, "failed: b.png: It is damaged.")
    assert lines[-1].split()[:3] == ["3", "2", "1"]


def test_an_answer_that_does_not_come_in_time_is_a_failed_image(gateway: FakeGateway, run: Run, folder: Path) -> None:
    gateway.on_image = read_but("a.png", silence)
    code, lines = run(folder, "--set", "Client.answer_timeout=0.3", "--set", "ThreadPool.max_thread=1")
    assert code == Exit.IMAGE_FAILED
    assert _with(lines, "failed: a.png: The image was not accepted within 0.3 s.")
    assert lines[-1].split()[:3] == ["3", "2", "1"]
    assert gateway.uploads == [(1, "a.png"), (2, "b.png"), (3, "c.png")]


def test_a_connection_that_is_cut_sends_its_unanswered_images_once_more(
    gateway: FakeGateway, run: Run, folder: Path
) -> None:
    gateway.on_image = lambda visit, name: visit.cut() if len(gateway.names) == 2 else visit.read(name)
    code, lines = run(folder, "--set", "ThreadPool.max_thread=1")
    assert code == Exit.OK
    assert gateway.uploads == [(1, "a.png"), (1, "b.png"), (2, "b.png"), (3, "c.png")]
    assert len(_with(lines, "connecting again, to send once more what is unanswered: b.png")) == 1
    assert lines[-1].split()[:3] == ["3", "3", "0"]


def test_an_image_whose_connections_break_twice_is_lost_and_the_others_are_read(
    gateway: FakeGateway, run: Run, folder: Path
) -> None:
    gateway.on_image = read_but("b.png", cut)
    code, lines = run(folder)
    assert code == Exit.CONNECTION_LOST
    assert gateway.names.count("b.png") == 2
    assert _with(lines, "failed: b.png: The connection to the gateway broke")
    assert lines[-1].split()[:3] == ["3", "2", "1"]


def test_a_gateway_that_goes_for_good_ends_the_run(run: Run, folder: Path) -> None:
    going = FakeGateway()
    with running(going) as server:

        def end(visit: Visit, _: str) -> None:
            server.socket.close()
            visit.close(1001)

        going.on_image = end
        code, lines = run(
            *(folder, "--set", f"WebSocket.url={going.url}", "--set", "Client.connect_timeout=0.3"),
            *("--set", "ThreadPool.max_thread=1"),
        )
    assert code == Exit.CONNECTION_LOST
    assert _with(lines, "disconnected: The gateway is going away")
    assert _with(lines, "failed: a.png: The connection broke, and there is no new one.")
    assert len(_with(lines, "2 images are not sent: No gateway listens")) == 1
    assert lines[-1].split()[:3] == ["3", "0", "3"]


def test_no_gateway_is_one_line_whatever_the_number_of_threads(unused_port: int, run: Run, folder: Path) -> None:
    code, lines = run(folder, "--set", f"WebSocket.url=ws://127.0.0.1:{unused_port}")
    assert code == Exit.NO_GATEWAY
    assert len(_with(lines, f"No gateway listens at 127.0.0.1 port {unused_port}")) == 1


def test_a_thread_that_is_not_let_in_leaves_its_images_to_the_others(
    gateway: FakeGateway, run: Run, folder: Path
) -> None:
    everybody = threading.Barrier(2)

    def let_in_the_first(visit: Visit) -> None:
        everybody.wait(SECONDS)
        if visit.number == 1:
            gateway.on_hello = everybody_else
            visit.send({"ClientUUID": "uuid"})
        else:
            visit.close(1008, "one is enough")

    everybody_else = gateway.on_hello
    gateway.on_hello = let_in_the_first
    code, lines = run(folder, "--set", "ThreadPool.max_thread=2")
    assert code == Exit.OK
    assert sorted(gateway.names) == ["a.png", "b.png", "c.png"]
    assert len(_with(lines, "1 of 2 threads had to leave their images to the others")) == 1


def test_a_missing_and_an_empty_folder_are_one_line(run: Run, tmp_path: Path) -> None:
    code, lines = run(tmp_path / "missing")
    assert (code, len(lines)) == (Exit.NO_IMAGES, 2)
    assert "There is no folder" in lines[1]
    code, lines = run("--set", f"ImagePath.image_dir={tmp_path}")
    assert (code, len(lines)) == (Exit.NO_IMAGES, 2)
    assert "is empty" in lines[1]


def test_other_files_are_named_in_one_line(run: Run, folder: Path) -> None:
    for name in "abcd":
        (folder / f"{name}.txt").write_text(name)
    code, lines = run(folder)
    assert code == Exit.OK
    assert _with(lines, "4 files are no images and are left out: a.txt, b.txt, c.txt and 1 more")


def test_results_are_saved_and_never_overwritten_unasked(
    gateway: FakeGateway, run: Run, folder: Path, tmp_path: Path
) -> None:
    results = tmp_path / "results"
    results.mkdir()
    (results / "b.png.txt").write_text("mine")
    code, lines = run(folder, "--output", results)
    assert code == Exit.IMAGE_FAILED
    assert sorted(gateway.names) == ["a.png", "c.png"]  # no work is done for nothing
    assert len(_with(lines, "(--overwrite replaces them): 1 of 3 images: b.png.txt")) == 1
    assert lines[-1].split()[:3] == ["3", "2", "1"]
    found = {path.name: path.read_text() for path in results.iterdir()}
    assert found == {"a.png.txt": "text of a.png\n", "b.png.txt": "mine", "c.png.txt": "text of c.png\n"}
    assert run(folder, "--output", results, "--overwrite")[0] == Exit.OK
    assert (results / "b.png.txt").read_text() == "text of b.png\n"


def test_an_output_folder_that_cannot_be_made_is_told_before_anything_is_sent(
    gateway: FakeGateway, run: Run, folder: Path
) -> None:
    code, lines = run(folder, "--output", folder / "a.png" / "results")
    assert code == Exit.USAGE
    assert _with(lines, "cannot be written to")
    assert gateway.visits == 0


def test_json_is_one_object_for_each_image_and_nothing_else(
    gateway: FakeGateway, run: Run, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    gateway.on_image = lambda visit, name: damaged(visit, name) if name == "b.png" else visit.read(name, "尚\n")
    code = main(["--set", f"WebSocket.url={gateway.url}", str(folder), "--json"])
    printed = capsys.readouterr()
    found = {one["file"]: one for one in map(json.loads, printed.out.splitlines())}
    assert code == Exit.IMAGE_FAILED
    assert set(found) == {"a.png", "b.png", "c.png"}
    assert found["b.png"] == {"file": "b.png", "status": "FAILED", "error": "It is damaged."}
    assert (found["a.png"]["status"], found["a.png"]["text"]) == ("SUCCESS", "尚\n")
    assert found["a.png"]["seconds"] >= 0
    assert [line.partition("] ")[2] for line in printed.err.splitlines()] == ["failed: b.png: It is damaged."]


def test_json_has_a_line_also_for_what_was_not_sent(
    unused_port: int, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code = main(["--set", f"WebSocket.url=ws://127.0.0.1:{unused_port}", str(folder), "--json"])
    printed = capsys.readouterr()
    assert code == Exit.NO_GATEWAY
    assert [json.loads(line)["status"] for line in printed.out.splitlines()] == ["NOT_SENT"] * 3
    assert len(printed.err.splitlines()) == 1


def test_events_as_json_have_the_ids_and_the_totals(run: Run, folder: Path) -> None:
    _, lines = run(folder, "--log-format", "json")
    events = [json.loads(line) for line in lines]
    [result] = [one for one in events if one.get("image_file_name") == "a.png" and "text" in one]
    assert result["text"] == "text of a.png\n"
    assert (events[-1]["event"], events[-1]["images"], events[-1]["done"]) == ("summary", 3, 3)


def test_an_image_that_vanishes_meanwhile_is_a_failed_image(gateway: FakeGateway, run: Run, folder: Path) -> None:
    welcome = gateway.on_hello

    def take_it_away(visit: Visit) -> None:
        (folder / "a.png").unlink(missing_ok=True)
        welcome(visit)

    gateway.on_hello = take_it_away
    code, lines = run(folder, "--set", "ThreadPool.max_thread=1")
    assert code == Exit.IMAGE_FAILED
    assert _with(lines, "cannot be read: No such file or directory")
    assert gateway.names == ["b.png", "c.png"]


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["--set", "Client.max_thread=1"], Exit.SETTINGS),
        (["--set", "WebSocket.url=http://somewhere"], Exit.SETTINGS),
        (["--set", "WebSocket.host="], Exit.SETTINGS),
        (["--set", "Client.token_file=/nowhere/token"], Exit.SETTINGS),
        (["--settings", "/nowhere/client.ini"], Exit.SETTINGS),
    ],
)
def test_a_wrong_setting_is_one_line_and_an_exit_code(
    arguments: list[str], code: Exit, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([str(folder), *arguments]) == code
    assert "[Client] " in capsys.readouterr().out.splitlines()[-1]


@pytest.mark.parametrize("arguments", [["--no-such-flag"], ["--overwrite"]])
def test_a_wrong_flag_is_usage(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(arguments)
    assert caught.value.code == Exit.USAGE
    assert "usage:" in capsys.readouterr().err


def test_the_exit_codes_are_in_the_help(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["--help"])
    shown = capsys.readouterr().out
    for code in (0, 2, 3, 10, 11, 12, 13, 130):
        assert re.search(rf"^ +{code}  \S", shown, re.MULTILINE)


def test_the_token_is_sent_and_never_printed(gateway: FakeGateway, run: Run, folder: Path, tmp_path: Path) -> None:
    (tmp_path / "token").write_text("secret-1\n")
    code, lines = run(folder, "--set", f"Client.token_file={tmp_path / 'token'}")
    assert code == Exit.OK
    assert {headers["Authorization"] for headers in gateway.headers} == {"Bearer secret-1"}
    assert not _with(lines, "secret-1")


def test_host_and_port_make_the_url(gateway: FakeGateway, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    settings = ["--set", "WebSocket.host=localhost", "--set", f"WebSocket.port={gateway.port}"]
    assert main([str(folder), *settings]) == Exit.OK
    assert f"connected to ws://localhost:{gateway.port}" in capsys.readouterr().out


class Program:
    """`python -m client` as a process of its own."""

    def __init__(self, gateway: FakeGateway, *arguments: object) -> None:
        environment = {name: value for name, value in os.environ.items() if not name.startswith("OCR_")}
        self.process = subprocess.Popen(
            [
                sys.executable,
                "-W",
                "error",
                "-m",
                "client",
                "--set",
                f"WebSocket.url={gateway.url}",
                *map(str, arguments),
            ],
            env=environment | {"PYTHONPATH": str(ROOT)},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def end(self) -> tuple[int, str, str]:
        try:
            out, err = self.process.communicate(timeout=SECONDS)
        finally:
            self.process.kill()
        return self.process.returncode, out, err


def test_as_a_process_it_exits_with_the_code(gateway: FakeGateway, folder: Path) -> None:
    gateway.on_image = damaged
    code, out, err = Program(gateway, folder).end()
    assert (code, err) == (Exit.IMAGE_FAILED, "")
    assert out.count("It is damaged.") == 3


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_stops_it_cleanly_with_the_table(gateway: FakeGateway, folder: Path, number: signal.Signals) -> None:
    two_wait = threading.Barrier(3)

    def answer_one(visit: Visit, name: str) -> None:
        if name == "a.png":
            visit.read(name)
        else:
            two_wait.wait(SECONDS)

    gateway.on_image = answer_one
    program = Program(
        gateway, folder, "--set", "ThreadPool.max_thread=2", "--set", "ThreadPool.images_per_connection=2"
    )
    two_wait.wait(SECONDS)
    program.process.send_signal(number)
    code, out, err = program.end()
    assert (code, err) == (Exit.INTERRUPTED, "")
    header, values = out.splitlines()[-2:]
    assert header.split()[:4] == ["images", "done", "failed", "unanswered"]
    assert values.split()[:4] == ["3", "1", "0", "2"]
    assert out.count("interrupted: ") == 1


def test_a_pipe_that_nobody_reads_any_more_ends_it_without_a_traceback(gateway: FakeGateway, folder: Path) -> None:
    is_closed = threading.Event()

    def answer_one(visit: Visit, name: str) -> None:
        if name == "a.png" or is_closed.wait(SECONDS):
            visit.read(name)

    gateway.on_image = answer_one
    program = Program(gateway, folder, "--json")
    assert program.process.stdout is not None
    program.process.stdout.readline()
    program.process.stdout.close()
    program.process.stdout = None
    is_closed.set()
    code, _, err = program.end()
    assert (code, err) == (Exit.INTERRUPTED, "")


def _images(names: str) -> list[ImageFile]:
    return [ImageFile(Path(name)) for name in names]


def test_work_that_is_brought_back_goes_to_whoever_waits() -> None:
    work = Work(_images("abc"))
    first = work.take(2)
    assert [one.name for one in first] == ["a", "b"]
    assert [one.name for one in work.take(2)] == ["c"]
    taken: list[list[ImageFile]] = []
    thread = threading.Thread(target=lambda: taken.append(work.take(5)))
    thread.start()
    work.done(first[1:])
    thread.join(SECONDS)
    assert [[one.name for one in some] for some in taken] == [["b"]]


def test_nobody_waits_for_work_that_is_stopped_or_done() -> None:
    work = Work(_images("a"))
    work.take(1)
    work.stop()
    assert work.take(1) == []
    assert Work(()).take(1) == []
