"""`python -m websocket_server`: load the settings, run, give the exit code."""

import asyncio
import ctypes
import logging
import resource
import sys
from collections.abc import Sequence

from protocol.topology import QueuesDiffer
from settings import event_log
from settings.command_line import Exit, load_settings, parser
from settings.loader import SettingsError, describe
from settings.schema import GatewaySettings

from . import event_loop
from .app import PortTaken, run
from .tokens import new_token

EXIT_CODES = f"""\
  {Exit.OK}  stopped by SIGTERM or SIGINT
  {Exit.USAGE}  a flag is wrong
  {Exit.SETTINGS}  a setting is wrong or unknown
  {Exit.QUEUES_DIFFER}  a queue is there with other arguments
  {Exit.PORT_TAKEN}  the address cannot be listened on
"""

_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3  # malloc.h

log = logging.getLogger("WebSocket server")


def main(argv: Sequence[str] | None = None) -> int:
    """Run the gateway; returns the exit code. argv: None takes the process's own arguments."""
    flags = parser("online-ocr-gateway", "The WebSocket gateway of Online OCR.", EXIT_CODES)
    flags.add_argument(
        "--new-token",
        metavar="NAME",
        help="print a new token for the client NAME, and its line for [Auth] tokens_file; then end",
    )
    arguments = flags.parse_args(argv)
    event_log.configure(arguments.log_format)
    try:
        if arguments.new_token is not None:
            return _print_token(arguments.new_token)
        settings, source = load_settings(GatewaySettings, "websocket_server_settings.ini", arguments)
        log.info(f"settings of {source}: {describe(settings)}")
        _allow_many_connections()
        _give_large_memory_back()
        if not event_loop.is_uvloop:
            log.info("uvloop is not installed: this runs in the event loop of asyncio, which takes more time an image")
        with asyncio.Runner(loop_factory=event_loop.new_event_loop) as runner:
            runner.run(run(settings))
    except SettingsError as error:
        log.error(str(error))
        return Exit.SETTINGS
    except QueuesDiffer as error:
        log.error(str(error))
        return Exit.QUEUES_DIFFER
    except PortTaken as error:
        log.error(str(error))
        return Exit.PORT_TAKEN
    except KeyboardInterrupt:  # before `run` listens to signals
        pass
    return Exit.OK


def _allow_many_connections() -> None:
    """Each connection is a file: the usual soft limit of 1,024 is far below [WebSocket] max_connections."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != hard:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def _give_large_memory_back() -> None:
    """Have blocks of more than 4 MiB go back to the system once they are free.

    glibc, whose `mallopt` this is, would raise that bound to 32 MiB when large frames come, which then leave holes
    behind. 32 MiB at the heap's end stay: without them, each image would be new memory to the system.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(_M_MMAP_THRESHOLD, 4 * 1024 * 1024)
        mallopt(_M_TRIM_THRESHOLD, 32 * 1024 * 1024)


def _print_token(name: str) -> int:
    token, line = new_token(name)
    sys.stdout.write(f"The token, for the client alone; it is shown this once:\n{token}\n")
    sys.stdout.write(f"Its line for [Auth] tokens_file:\n{line}\n")
    return Exit.OK


if __name__ == "__main__":
    sys.exit(main())
