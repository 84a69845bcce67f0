"""Tables and receipts are read row by row, also where the layout analysis left out a column."""

import dataclasses

import pytest

from ocr_server.engine import EngineFailed
from ocr_server.image import Page
from ocr_server.looks import best_look
from ocr_server.reading import Reading, TextLine
from ocr_server.unread import unread_beside
from tests.unit.ocr_server.test_looks import ENGLISH, PAGE, Table, lines


def _cells(confidence: float) -> Reading:
    lines = [
        TextLine((x, 50 * row, x + 60, 50 * row + 40), text, confidence)
        for x, text in ((0, "Door handle"), (200, "36"), (400, "18.90"))
        for row in range(4)
    ]
    return Reading("\n".join(line.text for line in lines), (confidence,) * 16, None, tuple(lines))


def test_a_table_is_read_again_row_by_row() -> None:
    rows = Reading("Door handle 36 18.90\n" * 4, (95.0,) * 16)
    table = Table(eng_3=_cells(95), eng_6=rows)
    look = best_look(PAGE, ENGLISH, table)
    assert (look.reading, look.again) == (rows, ("looked again as a block",))
    assert look.mode == 6


def test_a_table_whose_rows_are_read_worse_stays_as_it_was() -> None:
    cells = _cells(95)
    table = Table(eng_3=cells, eng_6=Reading("Door handle | 36 |__ l8.9O\n" * 4, (60.0,) * 16))
    assert best_look(PAGE, ENGLISH, table).reading == cells


@pytest.mark.parametrize("block", [Reading(" "), EngineFailed("no"), Reading("FC) Cc] |", (30.0,) * 3)])
def test_a_form_whose_boxes_hide_its_words_in_a_block_is_read_as_a_column(block: Reading | Exception) -> None:
    rows = Reading("Door handle 36 18.90\n" * 4, (95.0,) * 16)
    look = best_look(PAGE, ENGLISH, Table(eng_3=_cells(95), eng_6=block, eng_4=rows))
    assert (look.reading, look.again) == (rows, ("looked again as a column",))


def _with_ink_at_the_right(width: int) -> Page:
    image = PAGE.image.point([255] * 256)
    for row in range(6):
        image.paste(0, (450, 40 * row + 5, 450 + width, 40 * row + 25))
    return dataclasses.replace(PAGE, image=image)


ITEMS = lines(*[("Door handle", 95)] * 6)


def test_a_receipt_of_which_a_column_was_left_out_is_read_row_by_row() -> None:
    rows = Reading("Door handle 36.50\n" * 6, (95.0,) * 18)
    kept = best_look(_with_ink_at_the_right(80), ENGLISH, Table(eng_3=ITEMS, eng_6=rows))
    assert (kept.reading, kept.again) == (rows, ("looked again as a block",))
    noisy = Reading("Door handle |\n" * 6, (95.0, 95.0, 70.0) * 6)
    assert best_look(_with_ink_at_the_right(80), ENGLISH, Table(eng_3=ITEMS, eng_6=noisy)).reading == ITEMS


@pytest.mark.parametrize("width", [0, 3])
def test_neither_paper_nor_a_rule_beside_short_lines_is_a_column(width: int) -> None:
    table = Table(eng_3=ITEMS)
    best_look(_with_ink_at_the_right(width), ENGLISH, table)
    assert table.looks == ["eng_3"]


def test_a_picture_beside_running_text_is_no_column() -> None:
    text = lines(*[("the river carries seven red boats across", 95)] * 6)
    table = Table(eng_3=text)
    best_look(_with_ink_at_the_right(140), ENGLISH, table)
    assert table.looks == ["eng_3"]


def test_what_is_beside_lines_is_where_its_ink_is() -> None:
    pieces = unread_beside(_with_ink_at_the_right(80), ITEMS.lines)
    assert [piece.box for piece in pieces] == [(450, 40 * row, 530, 40 * row + 30) for row in range(6)]


def test_a_page_without_lines_or_ink_has_nothing_beside() -> None:
    assert unread_beside(_with_ink_at_the_right(80), []) == []
    assert unread_beside(PAGE, ITEMS.lines) == []
