"""A gateway of v2 on paper: what it says to a session, and what the session says to it."""

from client.errors import ConnectionLost
from client.events import Event, Request
from client.session_v2 import SessionV2
from protocol.codecs_v2 import MSGPACK, Codec
from protocol.messages_v2 import ClientMessage, GatewayMessage, Progress, Success, Welcome, failure

BROKEN = ConnectionLost("The connection broke.")
NO_CHANCE = 0.0


def welcome(client_uuid: str = "uuid", *, resumed: bool = False, max_in_flight: int = 32) -> Welcome:
    return Welcome(client_uuid, f"key of {client_uuid}", resumed, 0, max_in_flight, 30.0, 600.0, (), ())


class At:
    """A session at a gateway that says what the test says; its codec does not matter to what happens."""

    def __init__(self, max_in_flight: int = 1, codec: Codec = MSGPACK) -> None:
        self.session = SessionV2("Ada", max_in_flight, lambda: NO_CHANCE)
        self.codec = codec

    def hears(self, message: GatewayMessage, now: float = 0.0) -> Event:
        return self.session.receive(self.codec.encode(message), now)

    def connected(self, *, resumed: bool = False, client_uuid: str = "uuid", max_in_flight: int = 32) -> "At":
        self.session.opened(self.codec)
        self.session.hello()
        self.hears(welcome(client_uuid, resumed=resumed, max_in_flight=max_in_flight))
        return self

    def sends(self, name: str, now: float = 0.0, *, image: bytes = b"image", timeout: float | None = None) -> Request:
        request = Request(name, image, timeout, answer_timeout=10.0)
        self.session.upload(request, now)
        return request

    def says(self) -> list[ClientMessage]:
        return [self.codec.decode_client_message(frame) for frame in self.session.to_say()]

    def pending(self, request: Request, now: float = 0.0) -> Event:
        return self.hears(Progress("PENDING", request.image_file_name, request.request_id), now)

    def success(self, request: Request, text: str = "text", now: float = 0.0) -> Event:
        return self.hears(Success(request.image_file_name, text, request.request_id), now)

    def failed(self, request: Request, code: str, retry_after: float | None = None, now: float = 0.0) -> Event:
        message = failure(code, f"It is {code}.", request.request_id, request.image_file_name, retry_after=retry_after)
        return self.hears(message, now)

    def decoded(self, frame: bytes) -> ClientMessage:
        return self.codec.decode_client_message(frame)
