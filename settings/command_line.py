"""What the three services' command lines share: their flags, finding the ini file, exit codes."""

import argparse
import os
from enum import IntEnum
from pathlib import Path
from typing import TypeVar

from protocol import __version__

from .loader import SettingsError, load

T = TypeVar("T")


class Exit(IntEnum):
    """Exit codes of the services; each `--help` lists those that it can give."""

    OK = 0
    UNEXPECTED = 1
    USAGE = 2
    SETTINGS = 3
    QUEUES_DIFFER = 4
    NO_ENGINE = 5
    PORT_TAKEN = 6
    IMAGE_FAILED = 10
    NO_IMAGES = 11
    NO_GATEWAY = 12
    CONNECTION_LOST = 13
    INTERRUPTED = 130


def parser(program: str, description: str, exit_codes: str) -> argparse.ArgumentParser:
    """A parser with the flags that every service takes; `exit_codes` is printed below them."""
    made = argparse.ArgumentParser(
        prog=program,
        description=description,
        epilog=f"Precedence of settings: built-in default < ini file < environment (OCR_<SECTION>_<KEY>) < --set.\n\n"
        f"exit codes:\n{exit_codes}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    made.add_argument(
        "--settings", type=Path, metavar="FILE", help="ini file to read in place of the one that is found"
    )
    made.add_argument(
        "--set",
        action="append",
        default=[],
        dest="assignments",
        metavar="Section.key=value",
        help="one setting; may be given more than once",
    )
    made.add_argument("--log-format", choices=("text", "json"), default="text", help="form of the printed lines")
    made.add_argument("--version", action="version", version=f"{program} {__version__}")
    return made


def load_settings(kind: type[T], file_name: str, arguments: argparse.Namespace) -> tuple[T, Path]:
    """The settings that the parsed flags lead to, and the ini file they came from.

    Without `--settings`, `settings/<file_name>` of the current folder is read, then the one the package carries.
    Raises SettingsError.
    """
    path = arguments.settings or _find(file_name)
    return load(kind, path, os.environ, arguments.assignments), path


def _find(file_name: str) -> Path:
    for folder in (Path("settings"), Path(__file__).parent):
        if (folder / file_name).is_file():
            return folder / file_name
    raise SettingsError(f"There is no {file_name}, neither in ./settings nor in the package. Name one with --settings.")
