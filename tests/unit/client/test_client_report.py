"""The numbers, the text files and the printed lines."""

import dataclasses
import io
import json
import logging
import os
import sys
from pathlib import Path

import pytest

from client.console import TEXT, Console
from client.errors import ResultNotSaved
from client.events import Recognition
from client.folder import ImageFile
from client.formats import FORMATS
from client.result_files import ResultFiles
from client.summary import Totals, percentile, table


def test_percentiles_of_one_value_are_that_value() -> None:
    assert percentile([3.0], 50) == percentile([3.0], 95) == 3.0
    assert percentile([], 50) is None


def test_percentiles_lie_between_the_neighbours() -> None:
    assert percentile([3.0, 1.0, 2.0], 50) == 2.0
    assert percentile([1.0, 2.0], 50) == 1.5
    assert percentile(list(map(float, range(101))), 95) == 95.0


def test_the_table_shows_what_was_asked_for() -> None:
    lines = table(Totals(images=3, failed=1, seconds=4.0, latencies=(1.0, 2.0)).facts()).splitlines()
    assert lines[0].split("  ") == [
        *("images", "done", "failed", "seconds", "images/s", "p50 latency (s)", "p95 latency (s)"),
    ]
    assert lines[1].split() == ["3", "2", "1", "4.00", "0.50", "1.50", "1.95"]


def test_a_run_that_was_stopped_has_unanswered_images() -> None:
    facts = Totals(images=5, failed=1, seconds=0.0).facts()
    assert facts["unanswered"] == 4
    assert facts["images/s"] == 0.0
    assert "-" in table(facts).splitlines()[1].split()


def _image(name: str = "scan.png") -> ImageFile:
    return ImageFile(Path("scans") / name)


def _read(text: str = "text", **outputs: object) -> Recognition:
    return Recognition("a name that the gateway gave/../../x", text, 1.0, outputs=outputs)


def test_each_image_has_a_text_file_of_its_own(tmp_path: Path) -> None:
    files = ResultFiles(tmp_path / "new" / "results")
    files.prepare()
    assert files.save(_image("scan.png"), _read("尚\n")) == [tmp_path / "new" / "results" / "scan.png.txt"]
    files.save(_image("scan.jpg"), _read("two"))
    found = {path.name: path.read_bytes() for path in files.folder.iterdir()}
    assert found == {"scan.png.txt": "尚\n".encode(), "scan.jpg.txt": b"two"}


def test_a_file_that_is_there_is_left_as_it_is(tmp_path: Path) -> None:
    files = ResultFiles(tmp_path)
    (tmp_path / "scan.png.txt").write_text("mine")
    assert files.in_the_way(_image())
    with pytest.raises(ResultNotSaved, match="left as it is"):
        files.save(_image(), _read())
    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [("scan.png.txt", "mine")]


def test_a_dangling_link_is_in_the_way_too(tmp_path: Path) -> None:
    (tmp_path / "scan.png.txt").symlink_to(tmp_path / "nowhere")
    files = ResultFiles(tmp_path)
    assert files.in_the_way(_image())
    with pytest.raises(ResultNotSaved):
        files.save(_image(), _read())


def test_overwriting_is_possible_when_asked_for(tmp_path: Path) -> None:
    files = ResultFiles(tmp_path, overwrite=True)
    (tmp_path / "scan.png.txt").write_text("mine")
    assert not files.in_the_way(_image())
    files.save(_image(), _read())
    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [("scan.png.txt", "text")]


def test_every_format_has_its_file_beside_the_image_name(tmp_path: Path) -> None:
    files = ResultFiles(tmp_path, tuple(FORMATS.values()))
    files.save(_image(), _read(pdf=b"%PDF", words=[{"Text": "尚"}, {}], tsv="t", hocr="h", alto="a", more="no"))
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == {
        "scan.png.txt": b"text",
        "scan.png.pdf": b"%PDF",
        "scan.png.json": '[\n{"Text": "尚"},\n{}\n]\n'.encode(),
        "scan.png.tsv": b"t",
        "scan.png.hocr": b"h",
        "scan.png.alto.xml": b"a",
    }


@pytest.mark.parametrize(
    ("name", "sent"),
    [
        *(("pdf", {}), ("pdf", {"pdf": "not base64"}), ("json", {"words": "x"}), ("json", {"words": [b"x"]})),
        *(("hocr", {"hocr": b"x"}), ("alto", {"alto": None}), ("tsv", {"tsv": ["x"]})),
    ],
)
def test_what_was_not_sent_is_told_and_the_other_files_are_there(
    name: str, sent: dict[str, object], tmp_path: Path
) -> None:
    files = ResultFiles(tmp_path, (FORMATS[name], FORMATS["txt"]))
    sentence = rf"The gateway sent no {FORMATS[name].output} that .* Saved: .*scan\.png\.txt\.$"
    with pytest.raises(ResultNotSaved, match=sentence):
        files.save(_image(), dataclasses.replace(_read(), outputs=sent))
    assert [path.name for path in tmp_path.iterdir()] == ["scan.png.txt"]


def test_any_of_the_files_is_in_the_way_and_only_those_that_are_asked_for(tmp_path: Path) -> None:
    (tmp_path / "scan.png.pdf").write_text("mine")
    both = (FORMATS["txt"], FORMATS["pdf"])
    assert ResultFiles(tmp_path, both).in_the_way(_image()) == tmp_path / "scan.png.pdf"
    assert ResultFiles(tmp_path).in_the_way(_image()) is None
    assert ResultFiles(tmp_path, both, overwrite=True).in_the_way(_image()) is None


def test_a_page_without_words_is_an_empty_list() -> None:
    assert FORMATS["json"].content(_read(words=[])) == b"[]\n"


@pytest.mark.parametrize("there_already", [False, True])
def test_a_file_system_without_links_will_do(
    there_already: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise PermissionError("no links here")

    monkeypatch.setattr(os, "link", refuse)
    files = ResultFiles(tmp_path)
    if there_already:
        (tmp_path / "scan.png.txt").write_text("mine")
        with pytest.raises(ResultNotSaved):
            files.save(_image(), _read())
    else:
        files.save(_image(), _read())
    assert [path.read_text() for path in tmp_path.iterdir()] == ["mine" if there_already else "text"]


def test_a_folder_that_is_gone_is_told(tmp_path: Path) -> None:
    with pytest.raises(ResultNotSaved, match="cannot be written"):
        ResultFiles(tmp_path / "gone").save(_image(), _read())


def test_the_text_of_a_page_stands_below_its_event_and_cannot_move_the_cursor(
    capsys: pytest.CaptureFixture[str],
) -> None:
    Console("text", as_json=False)
    logging.getLogger("Client 1").info("result: a.png", extra={TEXT: "\nfirst\tline\n\n\x1b[2Jlast\n"})
    [event, *lines] = capsys.readouterr().out.splitlines()
    assert event.endswith("[Client 1] result: a.png")
    assert lines == ["    first   line", "", "    \\x1b[2Jlast"]


def test_events_as_json_are_one_line_each(capsys: pytest.CaptureFixture[str]) -> None:
    Console("json", as_json=False)
    logging.getLogger("Client 1").info("result: a.png", extra={TEXT: "two\nlines"})
    [line] = capsys.readouterr().out.splitlines()
    assert json.loads(line)["event"] == "result: a.png"


def test_a_progress_bar_is_shown_on_a_terminal_only_and_lines_stay_whole(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    console = Console("text", as_json=False)
    console.start_progress(2)
    console.advance()
    assert capsys.readouterr().err == ""
    screen = Terminal()
    monkeypatch.setattr(sys, "stderr", screen)
    monkeypatch.setattr(sys, "stdout", screen)
    console.start_progress(2)
    console.advance()
    logging.getLogger("Client").info("a line")
    console.end_progress()
    assert "1/2" in screen.getvalue() or "0/2" in screen.getvalue()
    [line] = [one for one in screen.getvalue().split("\n") if "a line" in one]
    assert line.rpartition("\r")[2].startswith("[")
    assert line.endswith("[Client] a line")


def test_characters_that_the_screen_lacks_are_spelt_out(monkeypatch: pytest.MonkeyPatch) -> None:
    screen = io.TextIOWrapper(io.BytesIO(), "ascii")
    monkeypatch.setattr(sys, "stdout", screen)
    console = Console("text", as_json=False)
    console.write("尚\n")
    assert console.is_ascii
    assert screen.buffer.getvalue() == b"\\u5c1a\n"
