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

from settings.command_line import Exit, load_settings, parser
from settings.loader import SettingsError, describe
from settings.schema import ClientSettings

from .address import Gateway, check_token, check_url
from .console import Console
from .errors import NoImages, OutputGone
from .folder import SAMPLES, choose_folder, find_images, names
from .report import Report
from .result_files import ResultFiles
from .simulator import Simulator

DESCRIPTION = """\
Sends the images of a folder to the gateway of Online OCR, over several connections at a time, and prints what
happens, the texts, and at the end a table. Files are told to be images by their content. Subfolders are not entered."""

EXIT_CODES = f"""\
  {Exit.OK:3}  every image was read
  {Exit.UNEXPECTED:3}  a mistake of the program's own, shown with its traceback
  {Exit.USAGE:3}  a flag is wrong, or the folder of --output cannot be written to
  {Exit.SETTINGS:3}  a setting is wrong or unknown
  {Exit.IMAGE_FAILED:3}  an image failed, had no answer in time, or its text could not be saved
  {Exit.NO_IMAGES:3}  the folder is missing, or holds no image
  {Exit.NO_GATEWAY:3}  no gateway was reached, or it lets nobody in; no image was sent
  {Exit.CONNECTION_LOST:3}  a connection broke, and an image was not read on a new one in time
  {Exit.INTERRUPTED:3}  ended by Ctrl-C or SIGTERM, or because nobody reads the output any more
Of several, the one that ended the run counts, else {Exit.CONNECTION_LOST:d} before {Exit.IMAGE_FAILED:d}.
"""

log = logging.getLogger("Client")


def main(argv: Sequence[str] | None = None) -> int:
    """Run the simulator; returns the exit code. argv: None takes the process's own arguments."""
    arguments = _arguments(argv)
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


def _arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    made = parser("online-ocr-client", DESCRIPTION, EXIT_CODES)
    made.add_argument(
        "folder",
        type=Path,
        nargs="?",
        metavar="FOLDER",
        help="the folder of images, or one image, in place of [ImagePath] image_dir",
    )
    made.add_argument(
        "--output",
        type=Path,
        metavar="DIR",
        help="also save each text there, that of scan.png as scan.png.txt; "
        "images whose text file is there already are not sent",
    )
    made.add_argument("--overwrite", action="store_true", help="with --output: replace text files that are there")
    made.add_argument(
        "--json",
        action="store_true",
        help="print one JSON object for each image, and nothing else; warnings go to standard error",
    )
    arguments = made.parse_args(argv)
    if arguments.overwrite and arguments.output is None:
        made.error("--overwrite needs --output DIR")
    return arguments


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
        result_files = ResultFiles(arguments.output, overwrite=arguments.overwrite)
        try:
            result_files.prepare()
        except OSError as error:
            log.error(f"--output {arguments.output} cannot be written to: {error.strerror or error}.")
            return Exit.USAGE
    report = Report(console, result_files, as_json=arguments.json)
    report.start(len(found.images))
    try:
        Simulator(settings, gateway, report).run(report.without_those_in_the_way(found.images))
    finally:
        report.end()
    return report.exit_code


def _gateway(settings: ClientSettings) -> Gateway:
    at, client = settings.websocket, settings.client
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
