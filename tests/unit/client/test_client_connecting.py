"""Connecting: what is sent at the handshake, and each way in which it fails, in a sentence."""

import socket
import threading

import pytest

from client import ConnectError, OcrClient
from tests.unit.client.fake_gateway import SECONDS, FakeGateway, cut
from tests.unit.client.image_heads import PNG


def _client(gateway: FakeGateway, *, answer_timeout: float = SECONDS, connect_timeout: float = SECONDS) -> OcrClient:
    return OcrClient(gateway.url, answer_timeout=answer_timeout, connect_timeout=connect_timeout)


def test_the_handshake_has_the_token_and_no_origin(gateway: FakeGateway) -> None:
    with OcrClient(gateway.url, token="secret-1"):
        pass
    [headers] = gateway.headers
    assert headers["Authorization"] == "Bearer secret-1"
    assert "origin" not in map(str.lower, headers)
    # A gateway that selects none of the offers speaks v1; then it is said hello on a connection without any.
    assert headers.get("Sec-WebSocket-Protocol") == ("ocr.v2.msgpack, ocr.v2" if gateway.subprotocols else None)


def test_a_proxy_of_the_environment_is_not_asked(gateway: FakeGateway, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "https_proxy", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    with _client(gateway) as ocr:
        assert ocr.recognize(PNG).text


def test_nobody_listening_is_one_sentence_with_the_place(unused_port: int) -> None:
    with pytest.raises(ConnectError, match=f"No gateway listens at 127.0.0.1 port {unused_port}. Start one"):
        OcrClient(f"ws://127.0.0.1:{unused_port}").recognize(PNG)


def test_a_host_that_does_not_exist_is_told() -> None:
    with pytest.raises(ConnectError, match="no host named"):
        OcrClient("ws://no-such-host.invalid").recognize(PNG)


@pytest.mark.parametrize(
    ("code", "sentence"), [(1008, "does not allow"), (1013, "too busy"), (1001, "going away"), (1000, "has ended")]
)
def test_a_gateway_that_closes_at_the_hello_is_told_in_words(gateway: FakeGateway, code: int, sentence: str) -> None:
    gateway.on_hello = lambda visit: visit.close(code, "its reason")
    with pytest.raises(ConnectError, match=f"{sentence}.*its reason"):
        _client(gateway).recognize(PNG)


def test_a_refused_hello_is_told(gateway: FakeGateway) -> None:
    gateway.on_hello = lambda visit: visit.say("FAILED", "", "Ask the operator for access.")
    with pytest.raises(ConnectError, match=r"Ask the operator.*has sent no token.*token_file"):
        _client(gateway).recognize(PNG)
    with pytest.raises(ConnectError, match=r"Ask the operator for access\.$"):
        OcrClient(gateway.url, token="secret-1").recognize(PNG)


def test_a_server_that_greets_nobody_is_told(gateway: FakeGateway) -> None:
    gateway.on_hello = lambda visit: visit.send("hello?")
    with pytest.raises(ConnectError, match="assigns no ClientUUID within 1 s"):
        _client(gateway, connect_timeout=1).recognize(PNG)  # of which a busy machine takes some for the handshake


@pytest.mark.parametrize(
    ("answer", "sentence"),
    [
        (b"HTTP/1.1 401 Unauthorized\r\n\r\n", "HTTP 401.*token_file"),
        (b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n", "HTTP 503.*Try again"),
        (b"HTTP/1.1 404 Not Found\r\n\r\n", "HTTP 404.*is no WebSocket gateway"),
        (b"HTTP/1.1 301 Moved\r\nLocation: ws://127.0.0.1:1/\r\n\r\n", "is no gateway"),
        (b"AMQP\x00\x00\x09\x01\r\n\r\n", "is no gateway"),
        (b"", "broke before a gateway answered.*with a certificate.*wss://"),
    ],
)
def test_what_is_no_gateway_is_told(answer: bytes, sentence: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:

        def reply() -> None:
            connection, _ = server.accept()
            with connection:
                connection.recv(10_000)
                connection.sendall(answer)

        thread = threading.Thread(target=reply)
        thread.start()
        with pytest.raises(ConnectError, match=sentence):
            OcrClient(f"ws://127.0.0.1:{server.getsockname()[1]}").recognize(PNG)
        thread.join(SECONDS)


def test_a_server_that_says_nothing_is_told() -> None:
    silent = pytest.raises(ConnectError, match=r"does not answer within 0\.2 s")
    with socket.create_server(("127.0.0.1", 0)) as server, silent:
        OcrClient(f"ws://127.0.0.1:{server.getsockname()[1]}", connect_timeout=0.2).recognize(PNG)


def test_tls_to_a_server_without_it_is_told(gateway: FakeGateway) -> None:
    with pytest.raises(ConnectError, match=r"Is it ws:// rather than wss://\?"):
        OcrClient(gateway.url.replace("ws:", "wss:"), connect_timeout=5).recognize(PNG)


@pytest.mark.parametrize("url", ["http://127.0.0.1:1", "127.0.0.1:8765", "ws://", "", "ws://host:99999"])
def test_a_url_that_is_none_is_refused_at_once(url: str) -> None:
    with pytest.raises(ValueError):
        OcrClient(url)


def test_what_cannot_even_be_taken_apart_is_told_to_be_no_url_and_not_shown() -> None:
    with pytest.raises(ValueError, match="no WebSocket URL") as caught:
        OcrClient("ws://user:hunter2@[host")
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize("token", ["", "two words", "two\r\nlines", "尚"])
def test_a_token_that_does_not_fit_into_a_header_is_refused_at_once(token: str) -> None:
    with pytest.raises(ValueError):
        OcrClient("ws://127.0.0.1:1", token=token)


@pytest.mark.parametrize(("subprotocols", "connections"), [((), 2), (("ocr.v2",), 1)])
def test_a_gateway_that_restarts_behind_a_proxy_is_waited_for(
    gateway: FakeGateway, subprotocols: tuple[str, ...], connections: int
) -> None:
    # A proxy takes connections also while its gateway is away, and ends them at once. A v1 gateway is found out by a
    # connection of its own.
    gateway.subprotocols = subprotocols
    gateway.on_image = lambda visit, name: cut(visit, name) if visit.number == 1 else visit.read(name)
    with socket.create_server(("127.0.0.1", 0)) as front:

        def stand_in_front() -> None:
            for number in range(connections + 3):
                arrived, _ = front.accept()
                if number in (connections, connections + 1):
                    arrived.close()
                    continue
                behind = socket.create_connection(("127.0.0.1", gateway.port))
                both = [threading.Thread(target=_pass_on, args=pair) for pair in ((arrived, behind), (behind, arrived))]
                for one in both:
                    one.start()
                for one in both:
                    one.join(SECONDS)
                arrived.close()
                behind.close()

        proxy = threading.Thread(target=stand_in_front)
        proxy.start()
        with OcrClient(f"ws://127.0.0.1:{front.getsockname()[1]}") as ocr:
            assert ocr.recognize(PNG).text == "text of image\n"
        proxy.join(SECONDS)
    assert gateway.visits == 2


def _pass_on(source: socket.socket, target: socket.socket) -> None:
    try:
        while data := source.recv(65536):
            target.sendall(data)
        target.shutdown(socket.SHUT_WR)
    except OSError:
        target.close()  # one side has gone
