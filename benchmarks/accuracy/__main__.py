"""`python -m benchmarks.accuracy`: read every class with both, print the table."""

import argparse
import json
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from script.sample_images.drawing import MissingFont

from . import report, speed
from .classes import CLASSES, UPRIGHT
from .reading import NothingToCompareWith, Ours, Plain
from .results import File, Result, missed

ROUNDS = 5


def main(argv: Sequence[str] | None = None) -> int:
    """Returns the exit code: 1 when something is not there, 2 when a class misses what it is to reach."""
    arguments = _arguments(argv)
    names = arguments.only or list(CLASSES)
    try:
        with tempfile.TemporaryDirectory() as folder:
            plain, ours = Plain(Path(folder)), Ours(arguments.preprocess)
            results = []
            for name in names:
                result = _read(name, plain, ours)
                if result.files:  # the real scans are not on every machine
                    results.append(result)
                if arguments.steps:
                    print("\n".join(report.steps(result)), file=sys.stderr, flush=True)
                if arguments.keep:
                    _keep(result, arguments.keep / name)
        measured = speed.measure(ours, list(CLASSES[UPRIGHT].build()), ROUNDS) if arguments.speed else None
    except (MissingFont, NothingToCompareWith) as error:
        print(error, file=sys.stderr)
        return 1
    verdicts = missed(results, CLASSES)
    if arguments.json:
        print(json.dumps(report.as_json(results, verdicts, measured), indent=2))
    else:
        print(report.text(results, verdicts, measured))
    return 2 if any(verdicts.values()) or (measured and not measured.is_reached) else 0


def _read(name: str, plain: Plain, ours: Ours) -> Result:
    one = CLASSES[name]
    files = [
        File(case.file_name, case.text, plain.read(case, one.languages), ours.read(case, one.languages))
        for case in one.build()
    ]
    return Result(name, files)


def _keep(result: Result, folder: Path) -> None:
    """Put each file there, the true text and the two that were read beside it."""
    folder.mkdir(parents=True, exist_ok=True)
    for case in CLASSES[result.name].build():
        (folder / case.file_name).write_bytes(case.content)
    for file in result.files:
        for kind, text in (("true", file.true), ("plain", file.plain.text), ("ours", file.ours.text)):
            (folder / f"{file.name}.{kind}.txt").write_text(text, "utf-8")


def _arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.accuracy",
        description="Character and word errors of images that are drawn here, by class: the program tesseract on the "
        "files as they are, and the OCR server's own reading of them.",
        epilog="Exit code 0: all is reached; 1: something is not installed; 2: something is missed.",
    )
    parser.add_argument("--only", metavar="CLASS", action="append", choices=CLASSES, help="may be given several times")
    parser.add_argument("--preprocess", choices=("auto", "none"), default="auto", help="what ours is asked for")
    parser.add_argument("--speed", action="store_true", help="also time clean pages with auto against none")
    parser.add_argument("--steps", action="store_true", help="print what was done to each file, as it is read")
    parser.add_argument("--keep", metavar="FOLDER", type=Path, help="put the files and the texts read there")
    parser.add_argument("--json", action="store_true", help="print JSON instead of the table")
    return parser.parse_args(argv)


if __name__ == "__main__":
    sys.exit(main())
