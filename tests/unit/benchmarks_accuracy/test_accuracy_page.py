"""docs/accuracy.md is made of the figures, and its pictures of the files."""

import io
from pathlib import Path

import pytest
from PIL import Image

from benchmarks.accuracy import page
from benchmarks.accuracy.cases import case
from benchmarks.accuracy.classes import CLASSES
from benchmarks.accuracy.ends import Step
from benchmarks.accuracy.placement import Offset
from benchmarks.accuracy.reading import Read
from benchmarks.accuracy.results import File, Placed, Result
from benchmarks.accuracy.sheet import Page
from benchmarks.accuracy.thumbnails import SIDE, thumbnail

ROOT = Path(__file__).parents[3]
TRUE = "Hinge 60 mm & more\nthan <one> line"
PLACED = Placed(2, (Offset("Hinge", 0.01, 0.02, 0.0), Offset("more", 0.2, 0.0, 0.0)))
RESULT = Result(
    "tables",
    [
        File("1.png", TRUE, Read(TRUE), Read(TRUE, ("deskew 2",)), PLACED),
        File("2.png", TRUE, Read("garbage\n\n`"), Read("Hinge 60 mm & moro\nthan <one>")),
    ],
)
PARTS = ("table", "examples", "misses", "ends")
MISSED = {"tables": ["not halved", "1 misplaced"]}


def test_parts_are_put_between_their_marks_and_nothing_else_changes() -> None:
    text = "# Head\n<!-- table -->\nold\nlines\n<!-- end of table -->\ntail \\1\n"
    new = "# Head\n<!-- table -->\na \\1 b\n<!-- end of table -->\ntail \\1\n"
    assert page.filled(text, {"table": "a \\1 b\n"}) == new
    assert page.filled(new, {"table": "a \\1 b\n"}) == new
    assert page.filled(text, {"table": "new", "misses": ""}) == page.filled(text, {"table": "new"})
    with pytest.raises(page.NoMark, match="<!-- misses -->"):
        page.filled(text, {"misses": ""})
    with pytest.raises(page.NoMark, match="<!-- end of misses -->"):
        page.filled("<!-- misses -->", {"misses": ""})


def test_a_class_is_a_row_with_its_places_and_its_verdict() -> None:
    row = page.table([RESULT], MISSED).splitlines()[2]
    assert row.startswith("| [tables](#tables) | 2 | ")
    assert row.endswith("| 1 of 2 (worst 20 %) | not halved, 1 misplaced |")


def test_an_example_is_the_file_that_plain_reads_worst() -> None:
    text = page.examples([RESULT], "accuracy")
    assert 'src="accuracy/tables.webp"' in text
    assert "<pre>garbage\n`</pre>" in text
    assert "than &lt;one&gt;" in text
    assert "nothing was done to it" in text
    assert "\n\n" not in text.partition("<table>")[2]


def test_misses_are_told_by_what_was_read_in_their_place() -> None:
    assert page.misses([RESULT], {"tables": []}) == "None."
    assert page.misses([RESULT], MISSED).splitlines() == [
        "- **tables** (not halved, 1 misplaced)",
        "  - 1.png: misplaced: more by 20 %",
        "  - 2.png: `more` read as `moro`; `line` read as nothing",
    ]


def test_where_reading_ends_is_two_rows_for_each_damage() -> None:
    found = page.ends([("dots an inch", [Step("60", 10, 0.26), Step("40", 90, 33)])]).splitlines()[2:]
    assert found == ["| **dots an inch** | **60** | **40** |", "| ours (plain) | 0.3 (10.0) | 33.0 (90.0) |"]


def test_the_pages_have_a_place_for_each_part() -> None:
    text = (ROOT / "docs" / "accuracy.md").read_text("utf-8")
    assert all(page.has_mark(text, name) for name in PARTS)
    page.filled(text, dict.fromkeys(PARTS, "x"))
    page.filled((ROOT / "README.md").read_text("utf-8"), {"accuracy": "x"})


def test_the_readme_has_classes_that_there_are() -> None:
    assert set(page.IN_SHORT) <= CLASSES.keys()
    short = page.in_short([RESULT, Result("fax", RESULT.files)])
    assert short.splitlines()[2:] == ["| tables | 42.6 | 8.8 |"]


@pytest.mark.parametrize("mode", ["L", "RGBA", "LA", "1", "P", "I;16"])
def test_a_picture_is_small_whatever_the_file_is(mode: str) -> None:
    made = thumbnail([case("1.png", Page(Image.new(mode, (900, 1200)), ""))])
    with Image.open(io.BytesIO(made)) as opened:
        assert opened.format == "WEBP"
        assert max(opened.size) <= SIDE + 2


def test_of_crops_there_are_many_in_a_picture() -> None:
    crops = [case(f"{number}.png", Page(Image.new("RGB", (60, 30)), "")) for number in range(10)]
    with Image.open(io.BytesIO(thumbnail(crops))) as opened:
        assert opened.width > 4 * 60
        assert opened.height > 3 * 30
