"""Words, TSV, hOCR and ALTO: valid by their own schemas and readers, whatever the words are."""

import csv
import io
import json
import warnings
from typing import Any

import msgspec
import pytest
from htrvx.schemas import Validator
from lxml import etree

from ocr_server.outputs import Sheet, make
from ocr_server.outputs.alto import NAMESPACE, SCHEMA
from ocr_server.outputs.layout import Layout, cleaned, has_space_between, language_tag
from ocr_server.outputs.projective import Projective
from tests.unit.ocr_server.outputs.laid_out import EMPTY, HEIGHT, HOSTILE, PLACES, WIDTH, line, page, texts, word

NAME = 'a "quoted" <name>\x00 & \\more.png'
ALTO, XHTML = {"a": NAMESPACE}, {"h": "http://www.w3.org/1999/xhtml"}

CLEAN = [text for text in map(cleaned, HOSTILE) if text]
PAGES = {
    "one page": [page()],
    "an empty page": [EMPTY],
    "three pages": [page(), EMPTY, page(line(word("last", 10, 90)))],
    "hostile words": [page(line(*(word(text, 30 * place, 30 * place + 20) for place, text in enumerate(CLEAN))))],
    "right to left": [
        page(line(word("שלום", 400, 600, is_rtl=True), word("PDF", 200, 350)), language="heb", is_rtl=True)
    ],
    "Chinese": [page(line(word("測試", 0, 90, language="chi_tra"), word("漢", 91, 130, language="chi_sim")))],
    "no language": [page(line(word("?", 0, 9, language="script/Latin")), language="")],
}
each_page = pytest.mark.parametrize("layouts", PAGES.values(), ids=PAGES)


def made(name: str, layouts: list[Layout], to_stored: Projective | None = None) -> Any:
    way = to_stored or Projective()
    return make([name], [Sheet(layout, way, WIDTH, HEIGHT) for layout in layouts], NAME)[name]


def alto_of(layouts: list[Layout], to_stored: Projective | None = None) -> Any:
    return etree.fromstring(made("alto", layouts, to_stored).encode())


def hocr_of(layouts: list[Layout], to_stored: Projective | None = None) -> Any:
    return etree.fromstring(made("hocr", layouts, to_stored).encode())


def all_texts(layouts: list[Layout]) -> list[str]:
    return [text for layout in layouts for text in texts(layout)]


@each_page
def test_alto_is_valid_by_its_schema(layouts: list[Layout]) -> None:
    schema = Validator(SCHEMA).xmlschema
    document = alto_of(layouts)
    assert schema.validate(document), schema.error_log
    assert document.xpath("//a:String/@CONTENT", namespaces=ALTO) == all_texts(layouts)
    assert len(document.xpath("//a:Page", namespaces=ALTO)) == len(layouts)


@each_page
def test_hocr_is_valid_by_its_specification(layouts: list[Layout]) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it is older than our Pythons
        from hocr_spec import HocrValidator

        report = HocrValidator("standard").validate(io.BytesIO(made("hocr", layouts).encode()), parse_strict=True)
    assert report.is_valid(), report.format("text")
    document = hocr_of(layouts)
    assert document.xpath("//h:span[@class='ocrx_word']/text()", namespaces=XHTML) == all_texts(layouts)
    assert len(document.xpath("//h:div[@class='ocr_page']", namespaces=XHTML)) == len(layouts)


@each_page
def test_ids_are_unique(layouts: list[Layout]) -> None:
    for ids in (alto_of(layouts).xpath("//@ID"), hocr_of(layouts).xpath("//@id")):
        assert len(ids) == len(set(ids))


@each_page
def test_tsv_is_a_table(layouts: list[Layout]) -> None:
    rows = list(csv.DictReader(io.StringIO(made("tsv", layouts)), delimiter="\t", quoting=csv.QUOTE_NONE))
    assert all(None not in row and None not in row.values() for row in rows)
    assert [row["text"] for row in rows if row["level"] == "5"] == all_texts(layouts)
    assert [row["page_num"] for row in rows if row["level"] == "1"] == [str(one + 1) for one in range(len(layouts))]
    assert all((float(row["conf"]) >= 0) == (row["level"] == "5") for row in rows)


@each_page
def test_words_are_json(layouts: list[Layout]) -> None:
    found = made("words", layouts)
    assert json.loads(msgspec.json.encode(found)) == found
    assert [one["Text"] for one in found] == all_texts(layouts)


def test_words_tell_where_they_are_and_how_sure_the_engine_is() -> None:
    two = page(line(word("one", 100, 200)), line(word("two", 100, 200, base=500), word("three", 210, 300, base=500)))
    assert made("words", [EMPTY, two]) == [
        {"Text": "one", "Confidence": 95.6, "Box": [100, 260, 200, 310], "Line": 1, "Block": 1, "Page": 2},
        {"Text": "two", "Confidence": 95.6, "Box": [100, 460, 200, 510], "Line": 2, "Block": 2, "Page": 2},
        {"Text": "three", "Confidence": 95.6, "Box": [210, 460, 300, 510], "Line": 2, "Block": 2, "Page": 2},
    ]


def test_alto_tells_confidences_languages_spaces_and_base_lines() -> None:
    words = word("one", 100, 200), word("zwei", 210, 300, language="deu"), word("測", 310, 350), word("試", 350, 390)
    (found,) = alto_of([page(line(*words))]).xpath("//a:TextLine", namespaces=ALTO)
    assert [etree.QName(one).localname for one in found] == ["String", "SP", "String", "SP", "String", "String"]
    assert found.get("BASELINE") == "100,300 390,300"
    assert found[0].get("WC") == "0.96"
    assert (found[0].get("LANG"), found[2].get("LANG"), found.getparent().get("LANG")) == (None, "de", "en")


def test_hocr_tells_the_base_line_from_the_lower_left_of_the_box() -> None:
    (title,) = hocr_of([page(line(word("one", 100, 200)))]).xpath("//*[@class='ocr_line']/@title")
    assert title == "bbox 100 260 200 310; baseline 0.0000 -10.00"


@pytest.mark.parametrize(
    ("degrees", "said"),
    [
        (0, "baseline"),
        (4, "baseline 0.0699"),
        (90, "textangle 270"),
        (180, "textangle 180"),
        (270, "textangle 90"),
    ],
)
def test_hocr_tells_how_a_line_lies_in_the_stored_image(degrees: int, said: str) -> None:
    turned = Projective.turned(degrees, WIDTH, HEIGHT)
    (title,) = hocr_of([page()], turned).xpath("//*[@class='ocr_line']/@title")
    assert said in title


def test_all_coordinates_are_the_stored_image_s() -> None:
    prepared = Projective.scaled(4, 4).then(Projective.moved(20, 20))
    layout = page().through(prepared, 4 * WIDTH + 40, 4 * HEIGHT + 40)
    for name in ("words", "tsv", "hocr", "alto"):
        assert made(name, [layout], prepared.inverse()) == made(name, [page()])


def test_boxes_stay_within_the_image_and_are_never_empty() -> None:
    outside = page(line(word("out", -50, 20, base=10), word("thin", 100.2, 100.3, base=10)))
    boxes = [one["Box"] for one in made("words", [outside])]
    assert boxes == [[0, 0, 20, 20], [100, 0, 101, 20]]


def test_ten_thousand_words_are_written() -> None:
    many = page(*(line(*(word("so", x, x + 5, y) for x in range(0, 1000, 10))) for y in range(100)))
    for name in ("words", "tsv", "hocr", "alto"):
        assert len(made(name, [many])) >= 10_000


@pytest.mark.parametrize(
    ("name", "tag"),
    [
        ("eng", "en"),
        ("chi_tra", "zh-Hant"),
        ("chi_sim_vert", "zh-Hans"),
        ("aze_cyrl", "aze-Cyrl"),
        ("kat_old", "kat"),
        ("osd", ""),
        ("script/Latin", ""),
        ("", ""),
        ("my own", ""),
    ],
)
def test_languages_are_named_as_the_web_does(name: str, tag: str) -> None:
    assert language_tag(name) == tag


@pytest.mark.parametrize(
    ("left", "right", "has_space"),
    [("a", "b", True), ("測", "試", False), ("測", "a", True), ("，", "「", False), ("カ", "タ", False)],
)
def test_where_a_space_is_written(left: str, right: str, has_space: bool) -> None:
    assert has_space_between(word(left, 0, 9), word(right, 10, 19)) is has_space


def test_the_words_of_the_tests_are_those_that_are_made() -> None:
    assert all_texts([page()]) == list(PLACES)
