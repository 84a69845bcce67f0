"""What the simulator can be told on its command line, checked. Wrong flags end it with argparse's usage error."""

import argparse
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from settings.command_line import Exit, parser

from .formats import FORMATS, TXT, Format
from .options import options_of

DESCRIPTION: Final = """\
Sends the images of a folder to the gateway of Online OCR, over several connections at a time, and prints what
happens, the texts, and at the end a table. Files are told to be images by their content. Subfolders are not entered."""

EXIT_CODES: Final = f"""\
  {Exit.OK:3}  every image was read
  {Exit.UNEXPECTED:3}  a mistake of the program's own, shown with its traceback
  {Exit.USAGE:3}  a flag is wrong, or the folder of --output cannot be written to
  {Exit.SETTINGS:3}  a setting is wrong or unknown
  {Exit.IMAGE_FAILED:3}  an image failed, had no answer in time, or one of its files could not be saved
  {Exit.NO_IMAGES:3}  the folder is missing, or holds no image
  {Exit.NO_GATEWAY:3}  no gateway was reached, or it lets nobody in; no image was sent
  {Exit.CONNECTION_LOST:3}  a connection broke, and an image was not read on a new one in time
  {Exit.INTERRUPTED:3}  ended by Ctrl-C or SIGTERM, or because nobody reads the output any more
Of several, the one that ended the run counts, else {Exit.CONNECTION_LOST:d} before {Exit.IMAGE_FAILED:d}.
"""

LAST_PAGE_SEG_MODE: Final = 13
PREPROCESS: Final = ("auto", "none")

_SEPARATORS: Final = re.compile(r"[+,]")
_LANGUAGE: Final = re.compile(r"[A-Za-z0-9_./-]{1,64}")


def read_arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    """What the flags say. argv: None takes the process's own arguments. Raises SystemExit."""
    made = parser("online-ocr-client", DESCRIPTION, EXIT_CODES)
    made.add_argument(
        "folder",
        type=Path,
        nargs="?",
        metavar="FOLDER",
        help="the folder of images, or one image, in place of [ImagePath] image_dir",
    )
    _add_reading(made)
    _add_saving(made)
    arguments = made.parse_args(argv)
    for flag in ("overwrite", "formats"):
        if getattr(arguments, flag) and arguments.output is None:
            made.error(f"--{flag} needs --output DIR")
    return arguments


def _add_reading(made: argparse.ArgumentParser) -> None:
    reading = made.add_argument_group(
        "how the images are read", "Each for this run; what is left out is as in the OCR server's settings."
    )
    reading.add_argument(
        "--lang",
        type=_languages,
        default=(),
        metavar="LANGUAGES",
        help="languages in their order, with Tesseract's names, as in eng+fra or chi_tra,eng; or auto: the "
        "server chooses among those of its settings",
    )
    reading.add_argument(
        "--psm",
        type=_page_seg_mode,
        metavar="MODE",
        help=f"0 to {LAST_PAGE_SEG_MODE}, Tesseract's page segmentation modes: 3 a page, 6 a block, 7 a line, 8 a word",
    )
    reading.add_argument(
        "--preprocess", choices=PREPROCESS, help="make images better to read where that helps, or leave them alone"
    )


def _add_saving(made: argparse.ArgumentParser) -> None:
    saving = made.add_argument_group("what is saved and printed")
    saving.add_argument(
        "--output",
        type=Path,
        metavar="DIR",
        help="also save the results there, the text of scan.png as scan.png.txt; "
        "images of which a file is there already are not sent",
    )
    suffixes = ", ".join(f"{one.name} (scan.png{one.suffix})" for one in FORMATS.values())
    saving.add_argument(
        "--formats",
        type=_formats,
        metavar="LIST",
        help=f"with --output: the files of each image, side by side, as in txt,pdf; default {TXT.name}; any of "
        f"{suffixes}; pdf is searchable, json holds the words with their places; the text is printed in any case",
    )
    saving.add_argument("--overwrite", action="store_true", help="with --output: replace files that are there")
    saving.add_argument(
        "--json",
        action="store_true",
        help="print one JSON object for each image, and nothing else; warnings go to standard error",
    )


def options(arguments: argparse.Namespace) -> dict[str, Any]:
    """The Options of the wire that the flags lead to."""
    outputs = [one.output for one in arguments.formats or () if one.output is not None]
    return options_of(arguments.lang, arguments.psm, arguments.preprocess, outputs)


def _languages(value: str) -> tuple[str, ...]:
    names = _parts(value)
    if not all(map(_LANGUAGE.fullmatch, names)):
        raise argparse.ArgumentTypeError(f"{value!r} is no list of languages, as in eng or eng+fra.")
    return names


def _page_seg_mode(value: str) -> int:
    if not re.fullmatch("[0-9]{1,2}", value, re.ASCII) or int(value) > LAST_PAGE_SEG_MODE:
        raise argparse.ArgumentTypeError(f"{value!r} is no whole number from 0 to {LAST_PAGE_SEG_MODE}.")
    return int(value)


def _formats(value: str) -> tuple[Format, ...]:
    names = _parts(value)
    unknown = [name for name in names if name not in FORMATS]
    if unknown:
        raise argparse.ArgumentTypeError(f"there is no format {unknown[0]!r}; there are {', '.join(FORMATS)}.")
    return tuple(FORMATS[name] for name in names)


def _parts(value: str) -> tuple[str, ...]:
    """The parts of a list, each once."""
    return tuple(dict.fromkeys(part.strip() for part in _SEPARATORS.split(value)))
