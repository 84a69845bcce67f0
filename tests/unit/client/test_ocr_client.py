"""The library, at a real WebSocket server."""

import threading
from pathlib import Path

import pytest

from client import AnswerTimeout, ConnectionLost, ImageFailed, OcrClient
from tests.unit.client.fake_gateway import SECONDS, FakeGateway, Visit, cut, damaged, read_but, running
from tests.unit.client.image_heads import PNG
from tests.unit.client.running_client import v1_only


def _client(gateway: FakeGateway, *, answer_timeout: float = SECONDS, connect_timeout: float = SECONDS) -> OcrClient:
    return OcrClient(gateway.url, answer_timeout=answer_timeout, connect_timeout=connect_timeout)


def test_an_image_becomes_text(gateway: FakeGateway, folder: Path) -> None:
    with OcrClient(gateway.url, name="Ada") as ocr:
        read = ocr.recognize(folder / "a.png")
        assert (read.image_file_name, read.text) == ("a.png", "text of a.png\n")
        assert 0 < read.seconds < SECONDS
        assert ocr.recognize(str(folder / "b.png")).text == "text of b.png\n"
        assert ocr.recognize(PNG).text == "text of image\n"
        assert ocr.recognize(PNG, name="尚.png").text == "text of 尚.png\n"
    gateway.wait_until_all_are_gone()
    assert gateway.visits == 1
    assert gateway.messages[0] == {"ClientName": "Ada"}
    uploads = [set(one) for one in gateway.messages if "ImageFileName" in one]
    if gateway.subprotocols:
        assert uploads == 4 * [{"ClientUUID", "ImageFileName", "ImageData", "RequestId"}]
    else:
        assert uploads == 4 * [{"ClientUUID", "ImageFileName", "ImageBase64Data"}]
    assert gateway.messages[1]["ClientUUID"] == "uuid-1"


def test_it_connects_with_the_first_image_when_it_is_not_entered(gateway: FakeGateway) -> None:
    ocr = _client(gateway)
    assert gateway.visits == 0
    assert ocr.recognize(PNG).text
    ocr.close()
    ocr.close()
    gateway.wait_until_all_are_gone()


def test_a_client_that_was_idle_connects_anew_without_a_word(gateway: FakeGateway) -> None:
    def answer_then_close(visit: Visit, name: str) -> None:
        visit.read(name)
        if visit.number == 1:
            visit.close(4000, "idle")  # returns when the client has answered it

    gateway.on_image = answer_then_close
    with _client(gateway) as ocr:
        for name in ("one", "two", "three"):
            assert ocr.recognize(PNG, name=name).text == f"text of {name}\n"
    assert gateway.visits == 2
    assert gateway.names.count("one") == 1


def test_an_image_that_meets_the_close_for_idleness_is_sent_again(gateway: FakeGateway) -> None:
    gateway.on_image = lambda visit, name: visit.read(name) if visit.number > 1 else visit.close(4000)
    with _client(gateway) as ocr:
        assert ocr.recognize(PNG).text == "text of image\n"
    assert gateway.uploads == [(1, "image"), (2, "image")]


def test_a_failure_is_raised_and_the_client_goes_on(gateway: FakeGateway) -> None:
    gateway.on_image = read_but("bad", damaged)
    with _client(gateway) as ocr:
        with pytest.raises(ImageFailed, match="It is damaged") as caught:
            ocr.recognize(PNG, name="bad")
        assert caught.value.image_file_name == "bad"
        assert ocr.recognize(PNG, name="good").text
    assert gateway.visits == 1


@v1_only
def test_an_answer_that_does_not_come_is_given_up_and_the_next_image_has_a_new_connection(
    gateway: FakeGateway,
) -> None:
    gateway.on_image = lambda visit, name: visit.say("PENDING", name) if visit.number == 1 else visit.read(name)
    with _client(gateway) as ocr:
        with pytest.raises(AnswerTimeout, match="accepted, but not answered"):
            ocr.recognize(PNG, timeout=1)
        assert ocr.recognize(PNG).text
    assert gateway.visits == 2


def test_pings_are_answered_while_an_image_is_read(gateway: FakeGateway) -> None:
    def ping_first(visit: Visit, name: str) -> None:
        # Waiting for the pong here would stop the reading of it: the answer is given by another thread.
        pong = visit.connection.ping()

        def answer() -> None:
            if pong.wait(SECONDS):
                visit.read(name)

        threading.Thread(target=answer).start()

    gateway.on_image = ping_first
    with _client(gateway) as ocr:
        assert ocr.recognize(PNG).text


@v1_only
def test_a_connection_that_breaks_twice_is_told_as_lost(gateway: FakeGateway) -> None:
    gateway.on_image = cut
    with _client(gateway) as ocr, pytest.raises(ConnectionLost, match="broke"):
        ocr.recognize(PNG)
    assert gateway.uploads == [(1, "image"), (2, "image")]


def test_a_gateway_that_goes_for_good_is_told_as_lost() -> None:
    gateway = FakeGateway()

    with running(gateway) as server:

        def end(visit: Visit, _: str) -> None:
            server.socket.close()
            visit.cut()

        gateway.on_image = end
        with _client(gateway, connect_timeout=1) as ocr, pytest.raises(ConnectionLost, match="no new one"):
            ocr.recognize(PNG)


def test_a_gateway_that_restarts_is_waited_for(folder: Path) -> None:
    gateway = FakeGateway()
    with running(gateway) as server:

        def end(visit: Visit, _: str) -> None:
            server.socket.close()
            visit.close(1001)

        gateway.on_image = end
        port = gateway.port
        again = FakeGateway()
        texts: list[str] = []

        def recognize() -> None:
            with _client(gateway) as ocr:
                texts.append(ocr.recognize(PNG).text)

        thread = threading.Thread(target=recognize)
        thread.start()
        gateway.wait_until_all_are_gone()
    with running(again, port):
        thread.join(SECONDS)
    assert texts == ["text of image\n"]
    assert again.uploads == [(1, "image")]


def test_an_image_over_twice_the_limit_is_told_with_the_gateway_s_reason(gateway: FakeGateway) -> None:
    with _client(gateway) as ocr:
        with pytest.raises(ImageFailed, match=r"too large for the gateway.*1009.* bytes"):
            ocr.recognize(bytes(15_000))
        assert ocr.recognize(PNG).text
    assert gateway.names == ["image"]


def test_a_large_image_is_refused_while_it_is_still_being_sent(gateway: FakeGateway) -> None:
    with _client(gateway) as ocr, pytest.raises(ImageFailed, match="too large"):
        ocr.recognize(bytes(4_000_000))


def test_names_that_cannot_be_sent_are_refused(gateway: FakeGateway) -> None:
    with _client(gateway) as ocr:
        for name in ("", "x" * 100_000, "\udce9.png"):
            with pytest.raises(ValueError):
                ocr.recognize(PNG, name=name)
    assert gateway.uploads == []


def test_a_file_that_is_not_there_is_an_ordinary_error(gateway: FakeGateway, tmp_path: Path) -> None:
    with _client(gateway) as ocr, pytest.raises(FileNotFoundError):
        ocr.recognize(tmp_path / "missing.png")


def test_threads_may_share_a_client(gateway: FakeGateway) -> None:
    texts: list[str] = []
    with _client(gateway) as ocr:
        threads = [
            threading.Thread(target=lambda name=name: texts.append(ocr.recognize(PNG, name=name).text))
            for name in "abcdef"
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(SECONDS)
    assert sorted(texts) == [f"text of {name}\n" for name in "abcdef"]
    assert gateway.visits == 1


def test_what_the_gateway_should_not_say_is_ignored_with_a_warning(
    gateway: FakeGateway, caplog: pytest.LogCaptureFixture
) -> None:
    def babble(visit: Visit, name: str) -> None:
        visit.send("not JSON")
        visit.connection.send(b"\xff\x00")
        visit.say("SUCCESS", "never sent", "text of another")
        visit.read(name)

    gateway.on_image = babble
    with _client(gateway) as ocr:
        assert ocr.recognize(PNG).text == "text of image\n"
    warnings = [one.getMessage() for one in caplog.records if one.levelname == "WARNING"]
    assert len(warnings) == 3
    assert "never sent" in warnings[2]
