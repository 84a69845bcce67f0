"""`python -m benchmarks.accuracy`: read every class with both, print the table."""

import argparse
import contextlib
import json
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from private_broker import BrokerError

from script.sample_images.drawing import MissingFont

from . import ends, page, pdf_words, report, speed, stacked
from .cases import Case
from .classes import CLASSES, UPRIGHT
from .placement import Box, box_offsets, offsets
from .reading import NothingToCompareWith, Ours, Plain, Reader
from .results import File, Placed, Result, missed
from .thumbnails import thumbnail

ROUNDS = 5
Ladders = Sequence[tuple[str, Sequence[ends.Step]]]


def main(argv: Sequence[str] | None = None) -> int:
    """Returns the exit code: 1 when something is not there, 2 when a class misses what it is to reach."""
    arguments = _arguments(argv)
    try:
        with contextlib.ExitStack() as ending:
            folder = Path(ending.enter_context(tempfile.TemporaryDirectory()))
            in_process = Ours(arguments.preprocess)
            through = ending.enter_context(stacked.running(arguments.preprocess)) if arguments.stack else None
            plain = Plain(folder)
            results = _read_all(arguments, plain, in_process, through)
            ladders = list(ends.ladders(plain, in_process)) if arguments.page else []
        measured = speed.measure(in_process, list(CLASSES[UPRIGHT].build()), ROUNDS) if arguments.speed else None
        verdicts = missed(results, CLASSES)
        for path in arguments.page:
            _write_page(path, results, verdicts, ladders)
    except (MissingFont, NothingToCompareWith, BrokerError, page.NoMark) as error:
        print(error, file=sys.stderr)
        return 1
    if arguments.json:
        print(json.dumps(report.as_json(results, verdicts, measured), indent=2))
    else:
        print(report.text(results, verdicts, measured))
        if arguments.stack:
            print(f"\n{report.same(results)}")
    is_slow = measured is not None and not measured.is_reached
    differ = any(not file.is_same for result in results for file in result.files)
    return 2 if any(verdicts.values()) or is_slow or differ else 0


def _read_all(arguments: argparse.Namespace, plain: Plain, ours: Ours, through: Reader | None) -> list[Result]:
    results = []
    for name in arguments.only or CLASSES:
        result = _read(name, plain, ours, through)
        if result.files:  # the real scans are not on every machine
            results.append(result)
        if arguments.steps:
            print("\n".join(report.steps(result)), file=sys.stderr, flush=True)
        if arguments.keep:
            _keep(result, arguments.keep / name)
    return results


def _read(name: str, plain: Plain, ours: Ours, through: Reader | None) -> Result:
    """through: what reads in place of ours; None: ours does."""
    one, files = CLASSES[name], []
    for case in one.build():
        # Places are asked for where they are known: they cost time.
        read = (through or ours).read(case, one.languages, outputs=("words", "pdf") if case.words else ())
        is_same = through is None or ours.read(case, one.languages).text == read.text
        theirs, placed = plain.read(case, one.languages), _placed(case, read.outputs)
        files.append(File(case.file_name, case.text, theirs, read, placed, is_same=is_same))
    return Result(name, files)


def _placed(case: Case, outputs: Mapping[str, object]) -> Placed:
    """How far from their true places the outputs put the words."""
    document, listed = outputs.get("pdf"), outputs.get("words")
    if not isinstance(document, bytes) or not isinstance(listed, list):
        return Placed(len(case.words))
    boxes = [Box(word["Text"], *word["Box"]) for word in listed]
    in_pdf = offsets(case.words, pdf_words.words(document))
    return Placed(len(case.words), in_pdf, box_offsets(case.words, boxes))


def _keep(result: Result, folder: Path) -> None:
    """Put each file there, the true text and the two that were read beside it, and the PDF."""
    folder.mkdir(parents=True, exist_ok=True)
    for case in CLASSES[result.name].build():
        (folder / case.file_name).write_bytes(case.content)
    for file in result.files:
        for kind, text in (("true", file.true), ("plain", file.plain.text), ("ours", file.ours.text)):
            (folder / f"{file.name}.{kind}.txt").write_text(text, "utf-8")
        if isinstance(document := file.ours.outputs.get("pdf"), bytes):
            (folder / f"{file.name}.pdf").write_bytes(document)


def _write_page(path: Path, results: Sequence[Result], verdicts: Mapping[str, Sequence[str]], ladders: Ladders) -> None:
    """Fill the page's parts; where it has examples, with a picture of each class in a folder of its name."""
    folder, text = path.with_suffix(""), path.read_text("utf-8")
    parts = {
        "accuracy": page.in_short(results),
        "table": page.table(results, verdicts),
        "examples": page.examples(results, folder.name),
        "misses": page.misses(results, verdicts),
        "ends": page.ends(ladders),
    }
    path.write_text(page.filled(text, parts), "utf-8")
    if not page.has_mark(text, "examples"):
        return
    folder.mkdir(exist_ok=True)
    for result in results:
        shown, cases = page.shown(result).name, list(CLASSES[result.name].build())
        first = next(case for case in cases if case.file_name == shown)
        others = [case for case in cases if case is not first]
        (folder / f"{result.name}.webp").write_bytes(thumbnail([first, *others]))


def _arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.accuracy",
        description="Character and word errors of images that are drawn here, by class: the program tesseract on the "
        "files as they are, and the OCR server's own reading of them.",
        epilog="Exit code 0: all is reached; 1: something is not installed; 2: something is missed.",
    )
    parser.add_argument("--only", metavar="CLASS", action="append", choices=CLASSES, help="may be given several times")
    parser.add_argument("--preprocess", choices=("auto", "none"), default="auto", help="what ours is asked for")
    parser.add_argument(
        "--stack",
        action="store_true",
        help="ours through client, gateway, RabbitMQ and OCR server, and whether the texts are those of this process",
    )
    parser.add_argument("--speed", action="store_true", help="also time clean pages with auto against none")
    parser.add_argument("--steps", action="store_true", help="print what was done to each file, as it is read")
    parser.add_argument("--keep", metavar="FOLDER", type=Path, help="put the files and what was read of them there")
    parser.add_argument(
        "--page",
        metavar="FILE",
        type=Path,
        action="append",
        default=[],
        help="fill what docs/accuracy.md or README.md has of the figures, and draw its pictures; may be given twice",
    )
    parser.add_argument("--json", action="store_true", help="print JSON instead of the table")
    return parser.parse_args(argv)


if __name__ == "__main__":
    sys.exit(main())
