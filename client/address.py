"""Where the gateway is and how to get in: URLs, tokens, and the socket that reaches it."""

import dataclasses
import socket
import ssl
import urllib.parse
from typing import Final

from .errors import ConnectError

_DEFAULT_PORTS: Final = {"ws": 80, "wss": 443}
_UNSENT_BYTES: Final = 128 * 1024


@dataclasses.dataclass(frozen=True, slots=True)
class Gateway:
    """Where the gateway is and how to get in.

    token: None sends none. connect_timeout: in seconds, from connecting to the ClientUUID.
    """

    url: str
    token: str | None = dataclasses.field(default=None, repr=False)
    connect_timeout: float = 10.0


def check_url(url: str) -> None:
    """Raises ValueError when it is no URL of a gateway."""
    how = "Write it as ws://host:8765 or wss://host."
    try:
        parts = urllib.parse.urlsplit(url)
    except ValueError as error:  # it may hold a password, so it is not shown
        raise ValueError(f"That is no WebSocket URL ({error}). {how}") from error
    if parts.scheme not in _DEFAULT_PORTS or not parts.hostname:
        raise ValueError(f"{shown(url)} is no WebSocket URL. {how}")
    _ = parts.port  # raises ValueError when it is no port


def check_token(token: str) -> None:
    """Raises ValueError when the token cannot be sent in a header."""
    if not token or not token.isascii() or not token.isprintable() or " " in token:
        raise ValueError("The token must be one word of printable ASCII characters.")


def shown(url: str) -> str:
    """The URL without a user and password that may be in it."""
    parts = urllib.parse.urlsplit(url)
    return parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()


def open_socket(url: str, timeout: float) -> socket.socket:
    """A connected socket, TLS included; raises ConnectError.

    Not left to websocket-client: that would send ws://127.0.0.1 through the environment's http_proxy, and does not
    try a host's second address when the first does not answer.
    """
    parts = urllib.parse.urlsplit(url)
    host, port = parts.hostname or "", parts.port or _DEFAULT_PORTS[parts.scheme]
    at = f"{host} port {port}"
    try:
        raw = socket.create_connection((host, port), timeout)
    except (socket.gaierror, UnicodeError) as error:
        raise ConnectError(f"There is no host named {host}. Correct [WebSocket] host or url.") from error
    except ConnectionRefusedError as error:
        raise ConnectError(
            f"No gateway listens at {at}. Start one (python -m websocket_server), "
            "or correct [WebSocket] host and port.",
            is_passing=True,
        ) from error
    except TimeoutError as error:
        raise ConnectError(
            f"{at} does not answer within {timeout:.3g} s. Correct [WebSocket] host and port, or see to the network.",
            is_passing=True,
        ) from error
    except OSError as error:
        raise ConnectError(f"{at} cannot be reached: {error.strerror or error}.", is_passing=True) from error
    raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    raw.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    if hasattr(socket, "TCP_NOTSENT_LOWAT"):
        # So that "sent" means sent: behind megabytes in the system's buffer a ping would come too late on a slow line.
        raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NOTSENT_LOWAT, _UNSENT_BYTES)
    if parts.scheme == "ws":
        return raw
    try:
        return ssl.create_default_context().wrap_socket(raw, server_hostname=host)
    except ssl.SSLCertVerificationError as error:
        raw.close()
        raise ConnectError(
            f"The certificate of {at} is not trusted: {error.verify_message}. "
            "If it is your own, name its authority's file in the environment variable SSL_CERT_FILE.",
            is_refusal=True,
        ) from error
    except OSError as error:
        raw.close()
        raise ConnectError(f"{at} does not speak TLS as expected: {error}. Is it ws:// rather than wss://?") from error
