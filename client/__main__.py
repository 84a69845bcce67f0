"""`python -m client`: work through a folder of images, print what happens, give the exit code."""

import argparse
import contextlib
import dataclasses
import logging
import os
import signal
import sys
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import FrameType
from typing import NoReturn

from settings.command_line import Exit, load_settings
from settings.loader import SettingsError, describe
from settings.schema import ClientSettings

from .address import Gateway, check_token, check_url
from .arguments import options, read_arguments
from .console import Console
from .errors import NoImages, OutputGone
from .folder import SAMPLES, choose_folder, find_images, names
from .formats import TXT
from .report import Report
from .result_files import ResultFiles
from .simulator import Simulator

log = logging.getLogger("Client")


def main(argv: Sequence[str] | None = None) -> int:
    """Run the simulator; returns the exit code. argv: None takes the process's own arguments."""
    arguments = read_arguments(argv)
    console = Console(arguments.log_format, as_json=arguments.json)
    try:
        with _interruptible():
            return _run(arguments, console)
    except SettingsError as error:
        log.error(str(error))
        return Exit.SETTINGS
    except NoImages as error:
        log.error(str(error))
        return error.exit_code
    except (KeyboardInterrupt, OutputGone):
        return Exit.INTERRUPTED


def _run(arguments: argparse.Namespace, console: Console) -> int:
    settings, source = load_settings(ClientSettings, "client_settings.ini", arguments)
    path = choose_folder(arguments.folder, settings.image_path.image_dir)
    if arguments.folder is not None:
        image_path = dataclasses.replace(settings.image_path, image_dir=str(path))
        settings = dataclasses.replace(settings, image_path=image_path)
    log.info(f"settings of {source}: {describe(settings)}")
    gateway = _gateway(settings)
    if path == SAMPLES:
        log.info(f"there is no folder {settings.image_path.image_dir} here: taking the sample images in {SAMPLES}")
    found = find_images(path)
    if found.left_out:
        count = len(found.left_out)
        are = "1 file is no image and is" if count == 1 else f"{count} files are no images and are"
        log.warning(f"{are} left out: {names(found.left_out)}")
    result_files = None
    if arguments.output is not None:
        result_files = ResultFiles(arguments.output, arguments.formats or (TXT,), overwrite=arguments.overwrite)
        try:
            result_files.prepare()
        except OSError as error:
            log.error(f"--output {arguments.output} cannot be written to: {error.strerror or error}.")
            return Exit.USAGE
    report = Report(console, result_files, as_json=arguments.json)
    report.start(len(found.images))
    try:
        simulator = Simulator(settings, gateway, report, options(arguments))
        simulator.run(report.without_those_in_the_way(found.images))
    finally:
        report.end()
    return report.exit_code


def _gateway(settings: ClientSettings) -> Gateway:
    at, client = settings.websocket, settings.client
    if "://" in at.host and not at.url:
        raise SettingsError(
            "[WebSocket] host: a URL is none. Set it as [WebSocket] url, which takes the place of host."
        )
    host = f"[{at.host}]" if ":" in at.host else at.host  # an IPv6 address
    url = at.url or f"ws://{host}:{at.port}"
    try:
        check_url(url)
    except ValueError as error:
        raise SettingsError(f"[WebSocket] {'url' if at.url else 'host'}: {error}") from error
    token = None
    if client.token_file:
        try:
            token = Path(client.token_file).read_text("utf-8").strip()
            check_token(token)
        except (OSError, ValueError) as error:
            raise SettingsError(f"[Client] token_file = {client.token_file} cannot be used: {error}") from error
    return Gateway(url, token, client.connect_timeout)


@contextlib.contextmanager
def _interruptible() -> Iterator[None]:
    """Within, the first Ctrl-C or SIGTERM raises KeyboardInterrupt; the second ends the process at once."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    signals = (signal.SIGINT, signal.SIGTERM)

    def end(_number: int, _frame: FrameType | None) -> NoReturn:
        os._exit(Exit.INTERRUPTED)

    def interrupt(_number: int, _frame: FrameType | None) -> NoReturn:
        for one in signals:
            signal.signal(one, end)
        raise KeyboardInterrupt

    before = [signal.signal(one, interrupt) for one in signals]
    try:
        yield
    finally:
        for one, handler in zip(signals, before, strict=True):
            signal.signal(one, handler)


if __name__ == "__main__":
    sys.exit(main())
