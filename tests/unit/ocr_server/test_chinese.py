"""Chinese as it is written."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ocr_server.chinese import tidied, tidied_layout
from ocr_server.outputs.layout import Block, Layout, Line, Paragraph, Word


@pytest.mark.parametrize(
    ("read", "written"),
    [
        ("海 邊 的 圖 書 館", "海邊的圖書館"),
        ("旁邊, 從二樓", "旁邊，從二樓"),
        ("館長說: 「紙會變黃, 字會」現\n在, 任何人", "館長說：「紙會變黃，字會」現\n在，任何人"),
        ("好嗎?\n好!", "好嗎？\n好！"),
        ("說「好」, 就走了", "說「好」，就走了"),
        ("收藏 。 其中 , 一半", "收藏。其中，一半"),
        ("真的嗎?!", "真的嗎？！"),
    ],
)
def test_there_are_no_spaces_between_chinese_characters_and_marks_are_wide(read: str, written: str) -> None:
    assert tidied(read) == written


@pytest.mark.parametrize(
    "text",
    [
        "One, two; three: four! Five?",
        "新版 OCR 系統",
        "下午 2:30 在 B 棟",
        "寄信到 office@example.com, 或撥",
        "café, naïve",
        "第一行\n第二行\f第三頁",
        "早安, Mary",
    ],
)
def test_all_else_stays_as_it_is(text: str) -> None:
    assert tidied(text) == text


@given(st.text(alphabet="圖書, 。:a1 \n「」"))
def test_nothing_is_lost_but_spaces_and_what_is_tidy_stays_so(text: str) -> None:
    once = tidied(text)
    narrow = str.maketrans("，：", ",:")
    assert once.replace(" ", "").translate(narrow) == text.replace(" ", "").translate(narrow)
    assert tidied(once) == once


def _line(*texts: str) -> Line:
    words = tuple(
        Word(text, 90, (10 * place, 0, 10 * place + 9, 9), (10 * place, 8), (10 * place + 9, 8))
        for place, text in enumerate(texts)
    )
    return Line((0, 0, 99, 9), (0, 8), (99, 8), (0, -6), words)


def test_the_words_of_a_layout_have_the_same_marks_and_stay_words() -> None:
    line = _line("旁邊", ",", "從二樓,", "OCR,", "好:")
    layout = Layout(100, 100, (Block(line.box, (Paragraph(line.box, (line,)),)),))
    ((_, tidy),) = tidied_layout(layout).numbered_lines()
    assert [word.text for word in tidy.words] == ["旁邊", "，", "從二樓,", "OCR,", "好："]
    assert [word.box for word in tidy.words] == [word.box for word in line.words]
