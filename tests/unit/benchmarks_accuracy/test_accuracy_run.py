"""The whole run on a few small files, with the real engines; the table and the JSON of what they say."""

import json
from collections.abc import Iterator

import pytest
from PIL import ImageFont

from benchmarks.accuracy import __main__ as command
from benchmarks.accuracy import report
from benchmarks.accuracy.cases import Case, case
from benchmarks.accuracy.classes import Class
from benchmarks.accuracy.placement import Offset
from benchmarks.accuracy.reading import Read
from benchmarks.accuracy.results import File, Placed, Result, missed
from benchmarks.accuracy.sheet import Sheet
from benchmarks.accuracy.speed import Speed


def test_a_small_class_is_read_by_both(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def build() -> Iterator[Case]:
        font = ImageFont.load_default(80)
        assert isinstance(font, ImageFont.FreeTypeFont)
        sheet = Sheet(70, 45, 6)
        sheet.paragraphs("The museum is open\n\nfrom ten to six and on Monday it is closed", font)
        yield case("1.png", sheet.page(200))

    monkeypatch.setattr(command, "CLASSES", {"small": Class(build), "none here": Class(list)})
    assert command.main(["--json", "--steps"]) == 0
    printed = capsys.readouterr()
    (found,) = json.loads(printed.out)["classes"]
    assert found["plain"]["character_error"] == found["ours"]["character_error"] == 0
    words = 14
    assert found["placed"]["known"] == words
    for places in (found["placed"]["pdf"], found["placed"]["words"]):
        assert places["compared"] == places["within"] == words
    assert "small/1.png: 0.0 and 0.0" in printed.err


def result(name: str, plain: str, ours: str, true: str = "a true text of some length") -> Result:
    return Result(name, [File("1.png", true, Read(plain), Read(ours, ("deskew 1.3",), milliseconds=12.3))])


CLASSES = {"clean": Class(list), "rotated-90": Class(list, is_turned=True), "words": Class(list, every_word=True)}


def test_each_class_is_a_row_with_what_it_misses() -> None:
    true = "a true text of some length"
    results = [result("clean", true, true), result("rotated-90", "", "a"), result("words", "x", "two words", "words")]
    found = missed(results, CLASSES)
    assert found == {
        "clean": [],
        "rotated-90": ["not halved", "worse than upright"],
        "words": ["not halved", "1 of 1 wrong"],
    }
    table = report.text(results, found, Speed([1.0, 1.2, 1.04]))
    clean, rotated, *_ = table.splitlines()[2:]
    assert " ".join(clean.split()) == "| clean | 1 | 0.00 | 0.00 | | 0.00 | 0.00 | 1 | | | | 12 | |"
    assert "not halved, worse than upright" in rotated
    assert "1.040" in table
    assert table.endswith("reached.")


def test_misplaced_words_are_counted_and_named() -> None:
    off = (Offset("the", 0.02, 0.01, 0.0), Offset("old", 0.0, 0.081, 0.01))
    text = "the old words"
    file = File("1.png", text, Read(text), Read(text), Placed(3, off, off[:1]))
    found = missed([Result("clean", [file])], CLASSES)
    assert found == {"clean": ["1 misplaced"]}
    (row,) = report.text([Result("clean", [file])], found, None).splitlines()[2:]
    assert "| 1 of 2 | 8.1 | 1 of 1 |" in " ".join(row.split())
    assert list(report.steps(Result("clean", [file]))) == ["clean/1.png: 0.0 and 0.0; no step; misplaced 'old' by 8 %"]


def test_texts_that_are_others_through_the_stack_are_named() -> None:
    files = [File("1.png", "", Read(""), Read("")), File("2.png", "", Read(""), Read(""), is_same=False)]
    assert report.same([Result("fax", files[:1])]).startswith("Through the whole stack: 1 of 1 texts")
    assert report.same([Result("fax", files)]).endswith(
        "1 of 2 texts are those of the OCR server's code; not fax/2.png."
    )


def test_turned_pages_without_upright_ones_are_held_against_plain_alone() -> None:
    assert missed([result("rotated-90", "", "a true text of som")], CLASSES) == {"rotated-90": []}


def test_the_steps_of_a_file_are_a_line() -> None:
    (line,) = report.steps(result("clean", "", "a true text of some length"))
    assert line == "clean/1.png: 100.0 and 0.0; deskew 1.3"
