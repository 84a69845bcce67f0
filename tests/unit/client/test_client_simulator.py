"""The thread pool at a real WebSocket server: what is sent, what is printed, the exit code."""

import re
import threading
from pathlib import Path

from client.folder import ImageFile
from client.simulator import Work
from settings.command_line import Exit
from tests.unit.client.fake_gateway import SECONDS, FakeGateway, Visit, cut, damaged, read_but, running, silence
from tests.unit.client.running_client import Run, lines_with, v1_only, v2_only


def test_the_lines_of_the_contract_are_printed_in_order_then_the_table(
    gateway: FakeGateway, run: Run, folder: Path
) -> None:
    code, lines = run(folder, "--set", "ThreadPool.max_thread=1")
    assert code == Exit.OK
    events = [
        re.sub(r"\(.* bytes\)|in .* s$|uuid-\d", "…", line.partition("] ")[2]) for line in lines[1:] if "[" in line
    ]
    connected = f"connected to {gateway.url}{'' if gateway.subprotocols else '; the gateway speaks v1'}"
    assert events[:12] == [
        *(connected, "ClientUUID assigned: …"),
        *("image sent: a.png …", "accepted: a.png", "result: a.png …"),
        *("image sent: b.png …", "accepted: b.png", "result: b.png …"),
        *("all sent: 2 images", "disconnected: all images are answered"),
        *(connected, "ClientUUID assigned: …"),
    ]
    assert lines[lines.index(lines_with(lines, "result: a.png")[0]) + 1] == "    text of a.png"
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
        assert lines[lines.index(lines_with(lines, f"result: {name}")[0]) + 1] == f"    text of {name}"


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
    assert lines_with(lines, "failed: b.png: It is damaged.")
    assert lines[-1].split()[:3] == ["3", "2", "1"]


@v1_only
def test_an_answer_that_does_not_come_in_time_is_a_failed_image(gateway: FakeGateway, run: Run, folder: Path) -> None:
    gateway.on_image = read_but("a.png", silence)
    code, lines = run(folder, "--set", "Client.answer_timeout=1", "--set", "ThreadPool.max_thread=1")
    assert code == Exit.IMAGE_FAILED
    assert lines_with(lines, "failed: a.png: The image was not accepted within 1 s.")
    assert lines[-1].split()[:3] == ["3", "2", "1"]
    assert gateway.uploads == [(1, "a.png"), (2, "b.png"), (3, "c.png")]


@v1_only
def test_a_connection_that_is_cut_sends_its_unanswered_images_once_more(
    gateway: FakeGateway, run: Run, folder: Path
) -> None:
    gateway.on_image = lambda visit, name: visit.cut() if len(gateway.names) == 2 else visit.read(name)
    code, lines = run(folder, "--set", "ThreadPool.max_thread=1")
    assert code == Exit.OK
    assert gateway.uploads == [(1, "a.png"), (1, "b.png"), (2, "b.png"), (3, "c.png")]
    assert len(lines_with(lines, "connecting again, to send once more what is unanswered: b.png")) == 1
    assert lines[-1].split()[:3] == ["3", "3", "0"]


@v1_only
def test_an_image_whose_connections_break_twice_is_lost_and_the_others_are_read(
    gateway: FakeGateway, run: Run, folder: Path
) -> None:
    gateway.on_image = read_but("b.png", cut)
    code, lines = run(folder)
    assert code == Exit.CONNECTION_LOST
    assert gateway.names.count("b.png") == 2
    assert lines_with(lines, "failed: b.png: The connection to the gateway broke")
    assert lines[-1].split()[:3] == ["3", "2", "1"]


def test_a_gateway_that_goes_for_good_ends_the_run(run: Run, folder: Path) -> None:
    going = FakeGateway()
    with running(going) as server:

        def end(visit: Visit, _: str) -> None:
            server.socket.close()
            visit.close(1001)

        going.on_image = end
        code, lines = run(
            *(folder, "--set", f"WebSocket.url={going.url}", "--set", "Client.connect_timeout=1"),
            *("--set", "ThreadPool.max_thread=1"),
        )
    assert code == Exit.CONNECTION_LOST
    assert lines_with(lines, "disconnected: The gateway is going away")
    assert lines_with(lines, "failed: a.png: The connection broke, and there is no new one.")
    assert len(lines_with(lines, "2 images are not sent: No gateway listens")) == 1
    assert lines[-1].split()[:3] == ["3", "0", "3"]


def test_no_gateway_is_one_line_whatever_the_number_of_threads(unused_port: int, run: Run, folder: Path) -> None:
    code, lines = run(folder, "--set", f"WebSocket.url=ws://127.0.0.1:{unused_port}")
    assert code == Exit.NO_GATEWAY
    assert len(lines_with(lines, f"No gateway listens at 127.0.0.1 port {unused_port}")) == 1


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
    assert len(lines_with(lines, "1 of 2 threads had to leave their images to the others")) == 1


def test_an_image_that_vanishes_meanwhile_is_a_failed_image(gateway: FakeGateway, run: Run, folder: Path) -> None:
    welcome = gateway.on_hello

    def take_it_away(visit: Visit) -> None:
        (folder / "a.png").unlink(missing_ok=True)
        welcome(visit)

    gateway.on_hello = take_it_away
    code, lines = run(folder, "--set", "ThreadPool.max_thread=1")
    assert code == Exit.IMAGE_FAILED
    assert lines_with(lines, "cannot be read: No such file or directory")
    assert gateway.names == ["b.png", "c.png"]


@v2_only
def test_an_image_over_the_gateway_s_limit_is_neither_loaded_nor_sent(
    gateway: FakeGateway, run: Run, folder: Path
) -> None:
    gateway.on_hello = lambda visit: visit.welcome("uuid", MaxImageBytes=1_000_000)
    with (folder / "a.png").open("r+b") as file:
        file.truncate(1 << 30)  # of which the disk has a few bytes
    code, lines = run(folder, "--set", "ThreadPool.max_thread=1")
    assert code == Exit.IMAGE_FAILED
    assert lines_with(lines, "a.png is too large: it has 1073741824 bytes, and the gateway takes 1000000.")
    assert gateway.names == ["b.png", "c.png"]


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


@v2_only
def test_a_v2_gateway_that_breaks_again_and_again_costs_no_image_only_lines(
    gateway: FakeGateway, run: Run, folder: Path
) -> None:
    def cut_each_first_time(visit: Visit, name: str) -> None:
        if gateway.names.count(name) == 1:
            visit.cut()
        else:
            visit.read(name)

    gateway.on_image = cut_each_first_time
    code, lines = run(folder, "--set", "ThreadPool.max_thread=1")
    assert code == Exit.OK
    assert gateway.names == [f"{name}.png" for name in "aabbcc"]
    assert len(lines_with(lines, "ClientUUID kept")) == 3
    assert len(lines_with(lines, "image sent again: ")) == 3
    assert lines[-1].split()[:3] == ["3", "3", "0"]
