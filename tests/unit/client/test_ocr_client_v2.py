"""The library at a v2 gateway: a real WebSocket server that breaks, refuses, repeats and forgets."""

import socket
import threading
from pathlib import Path

import pytest

from client import AnswerTimeout, ConnectError, ConnectionLost, ImageFailed, OcrClient, address, connection
from tests.unit.client.fake_gateway import SECONDS, FakeGateway, Visit, cut, read, running, silence
from tests.unit.client.image_heads import PNG
from tests.unit.client.running_client import v1_only, v2_only


def _client(
    gateway: FakeGateway, *, answer_timeout: float = SECONDS, connect_timeout: float = SECONDS, name: str = "Ada"
) -> OcrClient:
    return OcrClient(gateway.url, name=name, answer_timeout=answer_timeout, connect_timeout=connect_timeout)


def _text(gateway: FakeGateway, name: str = "image", timeout: float = SECONDS) -> str:
    with _client(gateway) as ocr:
        return ocr.recognize(PNG, name=name, timeout=timeout).text


@pytest.mark.parametrize("subprotocol", ["ocr.v2", "ocr.v2.msgpack"])
@v2_only
def test_both_codecs_bring_text_numbers_and_what_was_done(gateway: FakeGateway, subprotocol: str) -> None:
    def answer(visit: Visit, name: str) -> None:
        visit.say("PENDING", name)
        visit.say("PROCESSING", name)
        visit.say("SUCCESS", name, "尚\n", Confidence=91.5, ElapsedMs=12.25, Steps=["scaled"], Outputs={})

    gateway.subprotocols = (subprotocol,)
    gateway.on_image = answer
    with _client(gateway) as ocr:
        found = ocr.recognize(PNG, name="尚.png")
    assert (found.text, found.confidence, found.elapsed_ms, found.steps) == ("尚\n", 91.5, 12.25, ("scaled",))
    [upload] = [one for one in gateway.messages if "ImageFileName" in one]
    assert ("ImageData" in upload) == (subprotocol == "ocr.v2.msgpack")


@v2_only
def test_options_are_sent_as_they_are_given_and_not_at_all_when_they_are_not(gateway: FakeGateway) -> None:
    with _client(gateway) as ocr:
        ocr.recognize(PNG)
        ocr.recognize(PNG, languages=["eng", "chi_tra"], page_seg_mode=0, preprocess="none")
        with pytest.raises(ValueError, match="languages is 'eng'; it must be a list"):
            ocr.recognize(PNG, languages="eng")
        with pytest.raises(ValueError, match=r"as in languages=\['eng', 'fra'\]"):
            ocr.recognize(PNG, languages="eng+fra")
        with pytest.raises(ValueError, match="outputs is 'pdf'; it must be a list"):
            ocr.recognize(PNG, outputs="pdf")
    assert gateway.said("Options") == [
        {"Languages": ["eng", "chi_tra"], "PageSegMode": 0, "Preprocess": "none"},
    ]


@pytest.mark.parametrize(
    ("subprotocol", "sent", "found"),
    [
        ("ocr.v2.msgpack", b"%PDF", b"%PDF"),
        ("ocr.v2", "JVBERg==", b"%PDF"),
        ("ocr.v2", "no base64", "no base64"),  # from an OCR server that is not ours
    ],
)
@v2_only
def test_outputs_are_what_was_asked_for_and_pdf_is_bytes(
    gateway: FakeGateway, subprotocol: str, sent: object, found: object
) -> None:
    outputs = {"pdf": sent, "words": [{"Text": "a"}], "tsv": "JVBERg=="}
    gateway.subprotocols = (subprotocol,)
    gateway.on_image = lambda visit, name: visit.say("SUCCESS", name, "a", Outputs=outputs)
    with _client(gateway) as ocr:
        assert ocr.recognize(PNG, outputs=["pdf", "words", "tsv"]).outputs == outputs | {"pdf": found}
    assert gateway.said("Options") == [{"Outputs": ["pdf", "words", "tsv"]}]


@v2_only
def test_received_is_said_of_every_answer_that_the_caller_has(gateway: FakeGateway) -> None:
    with _client(gateway) as ocr:
        ocr.recognize(PNG)
        ids = gateway.said("RequestId")
        assert gateway.wait_until_said("Received") == [ids]
        ocr.recognize(PNG)
    assert gateway.wait_until_said("Received", 2) == [[one] for one in gateway.said("RequestId")]
    assert gateway.said("Cancel") == []


@v2_only
def test_a_connection_that_is_cut_is_resumed_and_what_had_no_pending_is_sent_again(
    gateway: FakeGateway, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    gateway.on_image = lambda visit, name: visit.cut() if visit.number < 4 else read(visit, name)
    assert _text(gateway) == "text of image\n"
    assert [one["ClientUUID"] for one in gateway.messages if "ResumeKey" in one] == ["uuid-1"] * 3
    assert len(set(gateway.said("RequestId"))) == 1
    assert gateway.uploads == [(number, "image") for number in (1, 2, 3, 4)]
    lines = [one.getMessage() for one in caplog.records]
    assert lines.count(f"connected again to {gateway.url}, ClientUUID kept") == 3
    assert lines.count("connecting again, for what is unanswered: image") == 3


@v2_only
def test_what_had_pending_is_not_sent_again_its_answer_comes_by_itself(gateway: FakeGateway) -> None:
    def accept_and_leave(visit: Visit, name: str) -> None:
        visit.say("PENDING", name)
        visit.cut()

    def resume(visit: Visit) -> None:
        welcome(visit)
        if visit.number > 1:
            visit.say("SUCCESS", "image", "held")

    welcome, gateway.on_hello, gateway.on_image = gateway.on_hello, resume, accept_and_leave
    assert _text(gateway) == "held"
    assert gateway.uploads == [(1, "image")]
    gateway.wait_until_said("Received")


@v2_only
def test_a_repeated_answer_reaches_nobody_and_is_received_again(gateway: FakeGateway) -> None:
    def repeat(visit: Visit, name: str) -> None:
        if name == "second":
            visit.say("SUCCESS", "first", "once more")
        visit.read(name)

    gateway.on_image = repeat
    with _client(gateway) as ocr:
        assert ocr.recognize(PNG, name="first").text == "text of first\n"
        assert ocr.recognize(PNG, name="second").text == "text of second\n"
    gateway.wait_until_all_are_gone()
    first, second = gateway.said("RequestId")
    said = [one for some in gateway.said("Received") for one in some]  # together, where the answers came together
    assert sorted(said) == sorted([first, first, second])


@v2_only
def test_an_image_without_an_answer_is_sent_again_on_the_same_connection(gateway: FakeGateway) -> None:
    def be_forgetful(visit: Visit, name: str) -> None:
        visit.say("PENDING", name)
        if len(gateway.names) == 2:
            visit.say("SUCCESS", name, "at last")

    gateway.on_image = be_forgetful
    with _client(gateway, answer_timeout=1) as ocr:
        assert ocr.recognize(PNG).text == "at last"
    assert gateway.uploads == [(1, "image"), (1, "image")]
    assert len(set(gateway.said("RequestId"))) == 1


@pytest.mark.parametrize("timeout", [None, 1.5])
@v2_only
def test_an_image_that_is_never_answered_is_cancelled_and_told(gateway: FakeGateway, timeout: float | None) -> None:
    gateway.on_image = silence
    with _client(gateway, answer_timeout=0.5 if timeout is None else SECONDS) as ocr:
        with pytest.raises(AnswerTimeout, match=r"was not accepted within 1\.5 s"):
            ocr.recognize(PNG, timeout=timeout)
        assert gateway.wait_until_said("Cancel") == [[gateway.said("RequestId")[0]]]
        gateway.on_image = read
        assert ocr.recognize(PNG, name="next").text == "text of next\n"
    assert gateway.visits == 1


@v2_only
def test_a_refusal_that_passes_is_obeyed_and_the_caller_sees_nothing_of_it(gateway: FakeGateway) -> None:
    def refuse_twice(visit: Visit, name: str) -> None:
        if len(gateway.names) < 3:
            visit.say("FAILED", name, "The queue is full.", ErrorCode="QUEUE_FULL", RetryAfter=0.1)
        else:
            visit.read(name)

    gateway.on_image = refuse_twice
    assert _text(gateway) == "text of image\n"
    assert len(gateway.names) == 3
    assert len(set(gateway.said("RequestId"))) == 1


@v2_only
def test_a_refusal_that_does_not_pass_in_time_is_the_image_s_failure(gateway: FakeGateway) -> None:
    gateway.on_image = lambda visit, name: visit.say("FAILED", name, "The queue is full.", RetryAfter=0.1)
    with pytest.raises(ImageFailed, match="The queue is full") as caught:
        _text(gateway, timeout=1)
    assert not isinstance(caught.value, AnswerTimeout)


@v2_only
def test_a_gateway_that_is_too_busy_is_left_alone_for_as_long_as_it_says(gateway: FakeGateway) -> None:
    def turn_away(visit: Visit) -> None:
        if visit.number < 3:
            visit.close(1013, "try again later; RetryAfter=0.2")
        else:
            welcome(visit)

    welcome, gateway.on_hello = gateway.on_hello, turn_away
    assert _text(gateway) == "text of image\n"
    assert gateway.visits == 3


@v2_only
def test_whoever_is_replaced_is_told_and_does_not_fight(gateway: FakeGateway) -> None:
    gateway.on_image = lambda visit, name: visit.close(4001, "replaced") if name == "image" else visit.read(name)
    with _client(gateway) as ocr:
        with pytest.raises(ConnectionLost, match="same ClientUUID") as caught:
            ocr.recognize(PNG)
        assert caught.value.close_code == 4001
        assert gateway.visits == 1
        assert ocr.recognize(PNG, name="another").text  # as another client
    assert [one for one in gateway.messages if "ResumeKey" in one] == []


@v2_only
def test_a_gateway_that_forgot_the_client_gets_everything_again(gateway: FakeGateway) -> None:
    def accept_and_forget(visit: Visit, name: str) -> None:
        if visit.number == 1:
            visit.say("PENDING", name)
            gateway.on_hello = forget
            visit.cut()
        else:
            visit.read(name)

    def forget(visit: Visit) -> None:
        if "ResumeKey" in visit.hello:
            visit.say("FAILED", "", "The key is wrong.", ErrorCode="BAD_CLIENT_UUID")
        else:
            visit.welcome("another")

    gateway.on_image = accept_and_forget
    assert _text(gateway) == "text of image\n"
    assert [one.get("ClientUUID") for one in gateway.messages if "ClientName" in one] == [None, "uuid-1", None]
    assert gateway.uploads == [(1, "image"), (2, "image")]
    assert gateway.said("ClientUUID")[-1] == "another"


@v2_only
def test_an_idle_connection_is_resumed_with_the_next_image(gateway: FakeGateway) -> None:
    def answer_then_close(visit: Visit, name: str) -> None:
        visit.read(name)
        if visit.number == 1:
            visit.close(4000, "idle")  # returns when the client has answered it

    gateway.on_image = answer_then_close
    with _client(gateway) as ocr:
        for name in ("one", "two", "three"):
            assert ocr.recognize(PNG, name=name).text == f"text of {name}\n"
    assert gateway.visits == 2
    assert [one["ClientUUID"] for one in gateway.messages if "ResumeKey" in one] == ["uuid-1"]


def test_a_gateway_that_goes_for_good_is_told_when_the_image_s_time_is_over() -> None:
    gateway = FakeGateway("ocr.v2")
    with running(gateway) as server:

        def end(visit: Visit, _: str) -> None:
            server.socket.close()
            visit.cut()

        gateway.on_image = end
        with pytest.raises(ConnectionLost, match=r"no new one\. No gateway listens"):
            _text(gateway, timeout=2)


def test_a_gateway_that_comes_back_later_than_connect_timeout_is_waited_for() -> None:
    gateway = FakeGateway("ocr.v2")
    texts: list[str] = []
    with running(gateway) as server:

        def end(visit: Visit, _: str) -> None:
            server.socket.close()
            visit.close(1001)

        def recognize() -> None:
            with _client(gateway, connect_timeout=1) as ocr:
                texts.append(ocr.recognize(PNG).text)

        gateway.on_image = end
        thread = threading.Thread(target=recognize)
        thread.start()
        gateway.wait_until_all_are_gone()
    thread.join(2)
    assert thread.is_alive()
    again = FakeGateway("ocr.v2")
    with running(again, gateway.port):
        thread.join(SECONDS)
    assert texts == ["text of image\n"]
    assert again.uploads == [(1, "image")]


@pytest.mark.parametrize(
    ("before", "after"), [(("ocr.v2",), ()), ((), ("ocr.v2",)), (("ocr.v2",), ("ocr.v2.msgpack",))]
)
@v2_only
def test_a_gateway_that_speaks_another_version_afterwards_is_sent_what_is_unanswered(
    gateway: FakeGateway, before: tuple[str, ...], after: tuple[str, ...]
) -> None:
    def leave(visit: Visit, name: str) -> None:
        if visit.number == 1:
            visit.say("PENDING", name)
            gateway.subprotocols = after
            visit.cut()
        else:
            visit.read(name)

    def resume(visit: Visit) -> None:
        welcome(visit)
        if visit.number > 1:
            visit.read("image")

    welcome = gateway.on_hello
    gateway.subprotocols = before
    gateway.on_image = leave
    with _client(gateway) as ocr:
        if after == ("ocr.v2.msgpack",):  # it has accepted the image, and now has its answer
            gateway.on_hello = resume
        assert ocr.recognize(PNG).text == "text of image\n"
        assert ocr.recognize(PNG, name="next").text == "text of next\n"
    assert gateway.visits == 2


@v1_only
def test_options_at_a_v1_gateway_are_told_and_not_dropped(gateway: FakeGateway) -> None:
    with _client(gateway) as ocr:
        with pytest.raises(ImageFailed, match="speaks v1"):
            ocr.recognize(PNG, languages=["eng"])
        assert ocr.recognize(PNG).confidence is None
    assert gateway.names == ["image"]


@v2_only
def test_a_subprotocol_that_was_not_offered_is_no_gateway(gateway: FakeGateway) -> None:
    gateway.select = lambda _connection, _offered: "chat"  # type: ignore[method-assign,assignment,return-value]
    with pytest.raises(ConnectError, match="selects the subprotocol chat"):
        _text(gateway)


@v2_only
def test_the_next_connection_after_one_that_was_cut_in_the_middle_is_a_good_one(
    gateway: FakeGateway, folder: Path
) -> None:
    gateway.on_image = lambda visit, name: (
        cut(visit, name) if name == "a.png" and visit.number == 1 else read(visit, name)
    )
    with _client(gateway) as ocr:
        for name in ("a.png", "b.png", "c.png"):
            assert ocr.recognize(folder / name).text == f"text of {name}\n"
    assert gateway.visits == 2


@v2_only
def test_a_name_that_is_not_there_while_the_gateway_restarts_costs_time_only(
    gateway: FakeGateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    misses = iter(range(3))

    def open_socket(url: str, timeout: float) -> socket.socket:
        if gateway.messages and next(misses, None) is not None:
            raise ConnectError("There is no host of that name.")
        return address.open_socket(url, timeout)

    monkeypatch.setattr(connection, "open_socket", open_socket)
    gateway.on_image = lambda visit, name: visit.cut() if visit.number == 1 else read(visit, name)
    assert _text(gateway)
    assert next(misses, None) is None
