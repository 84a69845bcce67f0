"""Every setting of the three services: section, key, type, default, bounds. Sections are frozen dataclasses.

The type says how a value is read: int and float (seconds) within bounds, bool as yes or no, a tuple of words, or text.
"""

import dataclasses
from typing import Any, Final, TypeVar

MAX_IMAGE_BYTES_LIMIT: Final = 12_000_000
"""RabbitMQ 4 takes messages of up to 16 MiB; an image of this size fits as base64."""


LONGEST: Final = 7 * 24 * 3600
"""Seconds. No wait is set longer: the clocks of some systems end not far beyond."""


MOST: Final = 2**53
"""No count is set higher: more than any machine holds, and a whole number in every language and protocol."""


def key(
    default: Any,
    *,
    low: float | None = None,
    high: float | None = None,
    choices: tuple[str, ...] = (),
    secret: bool = False,
    needed: bool = False,
    form: tuple[str, str] | None = None,
) -> Any:
    """A setting with its default and what is allowed: bounds (inclusive), choices, or with `needed` any but nothing.

    Secrets are masked in print. form: a regular expression that all of the text matches, and what that means in words.
    """
    allowed = {"low": low, "high": high, "choices": choices, "needed": needed, "form": form}
    return dataclasses.field(default=default, metadata=allowed | {"secret": secret})


QUEUE_OF_ONES_OWN: Final = (
    r"(?!(?:pending_queue|dead_letter_queue)$|held\.|amq\.).{1,255}",
    "a name of up to 255 characters but pending_queue, dead_letter_queue, held.… and amq.…, which are other queues'",
)
"""Answers in one of those would be taken for images, or kept from where they belong."""

T = TypeVar("T")


def section(name: str, kind: type[T]) -> T:
    """A section of a service's settings under its name in the ini file."""
    made: T = dataclasses.field(default_factory=kind, metadata={"section": name})
    return made


@dataclasses.dataclass(frozen=True)
class RabbitMQ:
    """`[RabbitMQ]`, the same for both servers. heartbeat in seconds, 0 turns it off."""

    host: str = key("127.0.0.1", needed=True)
    port: int = key(5672, low=1, high=65535)
    account: str = key("guest", needed=True)
    password: str = key("guest", secret=True)
    password_file: str = key("")
    virtual_host: str = key("/", needed=True)
    tls: bool = key(False)
    queue_type: str = key("quorum", choices=("quorum", "classic", "transient"))
    result_queue: str = key("result_queue", needed=True, form=QUEUE_OF_ONES_OWN)
    body: str = key("json", choices=("json", "raw"))
    max_pending: int = key(1000, low=1, high=MOST)
    max_pending_bytes: int = key(1024**3, low=1, high=MOST)
    heartbeat: int = key(10, low=0, high=600)


@dataclasses.dataclass(frozen=True)
class ClientWebSocket:
    """`[WebSocket]` of the client: where the gateway is. `url`, when given, takes the place of host and port."""

    host: str = key("127.0.0.1")
    port: int = key(8765, low=1, high=65535)
    url: str = key("")


@dataclasses.dataclass(frozen=True)
class ImagePath:
    """`[ImagePath]`: the folder of images."""

    image_dir: str = key("images")


@dataclasses.dataclass(frozen=True)
class ThreadPool:
    """`[ThreadPool]`: how many threads, and how many images each connection takes."""

    max_thread: int = key(4, low=1, high=1000)
    images_per_connection: int = key(2, low=1)


@dataclasses.dataclass(frozen=True)
class Client:
    """`[Client]`: images sent and unanswered at a time on a connection; times in seconds; a file with the token."""

    max_in_flight: int = key(1, low=1, high=1000)
    answer_timeout: float = key(120.0, low=0.1, high=LONGEST)
    connect_timeout: float = key(10.0, low=0.1, high=LONGEST)
    token_file: str = key("")


@dataclasses.dataclass(frozen=True)
class ClientSettings:
    """All settings of the client."""

    websocket: ClientWebSocket = section("WebSocket", ClientWebSocket)
    image_path: ImagePath = section("ImagePath", ImagePath)
    thread_pool: ThreadPool = section("ThreadPool", ThreadPool)
    client: Client = section("Client", Client)


@dataclasses.dataclass(frozen=True)
class GatewayWebSocket:
    """`[WebSocket]` of the gateway. Times in seconds; `origins` empty: every origin is allowed.

    images_per_minute: of one client, 0: no limit. max_buffered_bytes: what all clients together may have in memory that
    the broker has not confirmed.
    """

    host: str = key("127.0.0.1")
    port: int = key(8765, low=0, high=65535)
    idle_timeout: float = key(30.0, low=0.1, high=LONGEST)
    max_image_bytes: int = key(10 * 1024 * 1024, low=1, high=MAX_IMAGE_BYTES_LIMIT)
    max_in_flight: int = key(32, low=1, high=10_000)
    max_connections: int = key(10_000, low=1, high=MOST)
    max_buffered_bytes: int = key(256 * 1024 * 1024, low=1, high=MOST)
    images_per_minute: int = key(0, low=0, high=MOST)
    resume_window: float = key(600.0, low=0, high=LONGEST)
    shutdown_grace: float = key(20.0, low=0, high=LONGEST)
    tls_certificate: str = key("")
    tls_key: str = key("")
    origins: tuple[str, ...] = key(())


@dataclasses.dataclass(frozen=True)
class Auth:
    """`[Auth]`: who may use the gateway."""

    tokens_file: str = key("")
    secret_file: str = key("")


@dataclasses.dataclass(frozen=True)
class GatewaySettings:
    """All settings of the gateway."""

    websocket: GatewayWebSocket = section("WebSocket", GatewayWebSocket)
    auth: Auth = section("Auth", Auth)
    rabbitmq: RabbitMQ = section("RabbitMQ", RabbitMQ)


@dataclasses.dataclass(frozen=True)
class TesseractLocation:
    """`[tesseract_location]`: the program, the folder of language data (empty: found), and the engine."""

    path: str = key("")
    tessdata: str = key("")
    engine: str = key("auto", choices=("auto", "tesserocr", "pytesseract"))


@dataclasses.dataclass(frozen=True)
class Ocr:
    """`[OCR]`: how images are read. timeout in seconds an image."""

    languages: tuple[str, ...] = key(("eng",))
    page_seg_mode: int = key(3, low=0, high=13)
    preprocess: str = key("auto", choices=("auto", "none"))
    timeout: float = key(60.0, low=0.1, high=LONGEST)
    max_pixels: int = key(100_000_000, low=1, high=MOST)


@dataclasses.dataclass(frozen=True)
class ProcessPool:
    """`[ProcessPool]`: max_process 0 is one per core; memory_limit in bytes, 0 is none; shutdown_grace in seconds."""

    max_process: int = key(0, low=0, high=1024)
    max_attempts: int = key(3, low=1, high=MOST)
    images_per_process: int = key(10_000, low=1, high=MOST)
    memory_limit: int = key(0, low=0, high=MOST)
    shutdown_grace: float = key(20.0, low=0, high=LONGEST)


@dataclasses.dataclass(frozen=True)
class Metrics:
    """`[Metrics]` of the OCR server: where GET /metrics is answered; port 0: nowhere."""

    host: str = key("127.0.0.1", needed=True)
    port: int = key(0, low=0, high=65535)


@dataclasses.dataclass(frozen=True)
class OcrServerSettings:
    """All settings of the OCR server."""

    tesseract_location: TesseractLocation = section("tesseract_location", TesseractLocation)
    ocr: Ocr = section("OCR", Ocr)
    process_pool: ProcessPool = section("ProcessPool", ProcessPool)
    rabbitmq: RabbitMQ = section("RabbitMQ", RabbitMQ)
    metrics: Metrics = section("Metrics", Metrics)


SERVICES: Final[tuple[type, ...]] = (ClientSettings, GatewaySettings, OcrServerSettings)
"""All three: an environment that is shared by services may hold keys of each."""

ALIASES: Final = {("process", "max_process"): ("ProcessPool", "max_process")}
"""Older spellings, by section and key in lower case."""
