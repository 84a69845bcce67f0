"""What `python -m client` is told, what it saves, and how it says so."""

import json
import re
from pathlib import Path

import pytest

from client.__main__ import main
from settings.command_line import Exit
from tests.unit.client.fake_gateway import FakeGateway, Visit, damaged
from tests.unit.client.running_client import Run, lines_with, v1_only, v2_only


def test_a_missing_and_an_empty_folder_are_one_line(run: Run, tmp_path: Path) -> None:
    code, lines = run(tmp_path / "missing")
    assert (code, len(lines)) == (Exit.NO_IMAGES, 2)
    assert "There is no folder" in lines[1]
    code, lines = run("--set", f"ImagePath.image_dir={tmp_path}")
    assert (code, len(lines)) == (Exit.NO_IMAGES, 2)
    assert "is empty" in lines[1]


def test_other_files_are_named_in_one_line(run: Run, folder: Path) -> None:
    for name in "abcd":
        (folder / f"{name}.txt").write_text(name)
    code, lines = run(folder)
    assert code == Exit.OK
    assert lines_with(lines, "4 files are no images and are left out: a.txt, b.txt, c.txt and 1 more")


def test_results_are_saved_and_never_overwritten_unasked(
    gateway: FakeGateway, run: Run, folder: Path, tmp_path: Path
) -> None:
    results = tmp_path / "results"
    results.mkdir()
    (results / "b.png.txt").write_text("mine")
    code, lines = run(folder, "--output", results)
    assert code == Exit.IMAGE_FAILED
    assert sorted(gateway.names) == ["a.png", "c.png"]  # no work is done for nothing
    assert len(lines_with(lines, "(--overwrite replaces them): 1 of 3 images: b.png.txt")) == 1
    assert lines[-1].split()[:3] == ["3", "2", "1"]
    found = {path.name: path.read_text() for path in results.iterdir()}
    assert found == {"a.png.txt": "text of a.png\n", "b.png.txt": "mine", "c.png.txt": "text of c.png\n"}
    assert run(folder, "--output", results, "--overwrite")[0] == Exit.OK
    assert (results / "b.png.txt").read_text() == "text of b.png\n"


def test_an_output_folder_that_cannot_be_made_is_told_before_anything_is_sent(
    gateway: FakeGateway, run: Run, folder: Path
) -> None:
    code, lines = run(folder, "--output", folder / "a.png" / "results")
    assert code == Exit.USAGE
    assert lines_with(lines, "cannot be written to")
    assert gateway.visits == 0


def test_json_is_one_object_for_each_image_and_nothing_else(
    gateway: FakeGateway, run: Run, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def answer(visit: Visit, name: str) -> None:
        if name == "b.png":
            damaged(visit, name)
        else:
            visit.say("SUCCESS", name, "尚\n", **({"Confidence": 91.5} if visit.subprotocol else {}))

    gateway.on_image = answer
    code = main(["--set", f"WebSocket.url={gateway.url}", str(folder), "--json"])
    printed = capsys.readouterr()
    found = {one["file"]: one for one in map(json.loads, printed.out.splitlines())}
    assert code == Exit.IMAGE_FAILED
    assert set(found) == {"a.png", "b.png", "c.png"}
    assert found["b.png"] == {"file": "b.png", "status": "FAILED", "error": "It is damaged."}
    assert (found["a.png"]["status"], found["a.png"]["text"]) == ("SUCCESS", "尚\n")
    assert found["a.png"]["seconds"] >= 0
    assert found["a.png"]["confidence"] == (91.5 if gateway.subprotocols else None)
    assert [line.partition("] ")[2] for line in printed.err.splitlines()] == ["failed: b.png: It is damaged."]


def test_json_has_a_line_also_for_what_was_not_sent(
    unused_port: int, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code = main(["--set", f"WebSocket.url=ws://127.0.0.1:{unused_port}", str(folder), "--json"])
    printed = capsys.readouterr()
    assert code == Exit.NO_GATEWAY
    assert [json.loads(line)["status"] for line in printed.out.splitlines()] == ["NOT_SENT"] * 3
    assert len(printed.err.splitlines()) == 1


def test_events_as_json_have_the_ids_and_the_totals(run: Run, folder: Path) -> None:
    _, lines = run(folder, "--log-format", "json")
    events = [json.loads(line) for line in lines]
    [result] = [one for one in events if one.get("image_file_name") == "a.png" and "text" in one]
    assert result["text"] == "text of a.png\n"
    assert (events[-1]["event"], events[-1]["images"], events[-1]["done"]) == ("summary", 3, 3)


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["--set", "Client.max_thread=1"], "'max_thread'"),
        (["--set", "WebSocket.url=http://somewhere"], "[WebSocket] url"),
        (["--set", "WebSocket.host="], "[WebSocket] host"),
        (["--set", "Client.token_file=/nowhere/token"], "token_file = /nowhere/token"),
        (["--set", "Client.answer_timeout=1e10"], "answer_timeout = '1e10'"),
        (["--settings", "/nowhere/client.ini"], "/nowhere/client.ini"),
    ],
)
def test_a_wrong_setting_is_named_in_one_line_with_an_exit_code(
    arguments: list[str], named: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([str(folder), *arguments]) == Exit.SETTINGS
    assert named in capsys.readouterr().out.splitlines()[-1]


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--no-such-flag"], "unrecognized arguments: --no-such-flag"),
        (["--overwrite"], "--overwrite needs --output DIR"),
        (["--formats", "pdf"], "--formats needs --output DIR"),
        (["--output", "x", "--formats", "pdf,docx"], "there is no format 'docx'; there are txt, pdf, json, tsv, hocr"),
        (["--output", "x", "--formats="], "there is no format ''"),
        (["--psm", "14"], "'14' is no whole number from 0 to 13."),
        (["--psm=-1"], "'-1' is no whole number"),
        (["--lang", "eng+"], "'eng+' is no list of languages, as in eng or eng+fra."),
        (["--lang", ""], "'' is no list of languages"),
        (["--preprocess", "some"], "(choose from"),
    ],
)
def test_a_wrong_flag_is_usage(arguments: list[str], sentence: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(arguments)
    assert caught.value.code == Exit.USAGE
    printed = capsys.readouterr().err
    assert "usage:" in printed
    assert sentence in printed


@v2_only
def test_the_choice_of_languages_can_be_left_to_the_server(gateway: FakeGateway, run: Run, folder: Path) -> None:
    gateway.on_image = lambda visit, name: visit.say("SUCCESS", name, "text")
    assert run(folder, "--lang", "auto")[0] == Exit.OK
    assert gateway.said("Options") == [{"Languages": ["auto"]}] * 3


@v2_only
def test_what_the_flags_ask_for_is_sent_with_every_image_and_saved_side_by_side(
    gateway: FakeGateway, run: Run, folder: Path, tmp_path: Path
) -> None:
    outputs = {"pdf": b"%PDF", "words": [{"Text": "尚"}]}
    gateway.on_image = lambda visit, name: visit.say("SUCCESS", name, "text", Outputs=outputs)
    code, lines = run(
        *(folder, "--output", tmp_path / "out", "--formats", "pdf,json", "--lang", "fra+eng,fra", "--psm", 0),
        *("--preprocess", "none"),
    )
    assert code == Exit.OK
    asked = {"Languages": ["fra", "eng"], "PageSegMode": 0, "Preprocess": "none", "Outputs": ["pdf", "words"]}
    assert gateway.said("Options") == [asked] * 3
    assert lines.count("    text") == 3  # printed, though not saved
    saved = sorted(path.name for path in (tmp_path / "out").iterdir())
    assert saved == [f"{name}.png.{suffix}" for name in "abc" for suffix in ("json", "pdf")]
    assert (tmp_path / "out" / "a.png.pdf").read_bytes() == b"%PDF"


@v2_only
def test_an_image_whose_pdf_was_not_sent_has_failed_but_its_text_is_saved(
    gateway: FakeGateway, folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    url = f"WebSocket.url={gateway.url}"
    code = main(["--set", url, str(folder / "a.png"), "--json", "--output", str(tmp_path), "--formats", "txt,pdf"])
    [told] = map(json.loads, capsys.readouterr().out.splitlines())
    assert (code, told["status"], told["text"]) == (Exit.IMAGE_FAILED, "NOT_SAVED", "text of a.png\n")
    assert told["error"].startswith("The gateway sent no pdf that can be saved as")
    assert (tmp_path / "a.png.txt").read_text() == "text of a.png\n"
    main(["--set", url, str(folder / "a.png"), "--output", str(tmp_path), "--formats", "pdf"])
    assert "    text of a.png" in capsys.readouterr().out.splitlines()


@v1_only
def test_a_v1_gateway_cannot_do_what_the_flags_ask_for(gateway: FakeGateway, run: Run, folder: Path) -> None:
    code, lines = run(folder, "--lang", "eng")
    assert code == Exit.IMAGE_FAILED
    assert len(lines_with(lines, "The gateway speaks v1, which knows no languages")) == 3
    assert gateway.names == []


@v2_only
def test_the_ocr_servers_sentence_about_an_option_reaches_the_person(
    gateway: FakeGateway, run: Run, folder: Path
) -> None:
    sentence = "The option Languages = xyz: it is not installed; installed are eng, fra."
    gateway.on_image = lambda visit, name: visit.say("FAILED", name, sentence, ErrorCode="BAD_OPTION")
    code, lines = run(folder / "a.png", "--lang", "xyz")
    assert code == Exit.IMAGE_FAILED
    assert lines_with(lines, f"failed: a.png: {sentence}")


def test_the_exit_codes_are_in_the_help(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["--help"])
    shown = capsys.readouterr().out
    for code in (0, 2, 3, 10, 11, 12, 13, 130):
        assert re.search(rf"^ +{code}  \S", shown, re.MULTILINE)


def test_the_token_is_sent_and_never_printed(gateway: FakeGateway, run: Run, folder: Path, tmp_path: Path) -> None:
    (tmp_path / "token").write_text("secret-1\n")
    code, lines = run(folder, "--set", f"Client.token_file={tmp_path / 'token'}")
    assert code == Exit.OK
    assert {headers["Authorization"] for headers in gateway.headers} == {"Bearer secret-1"}
    assert not lines_with(lines, "secret-1")


def test_host_and_port_make_the_url(gateway: FakeGateway, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    settings = ["--set", "WebSocket.host=localhost", "--set", f"WebSocket.port={gateway.port}"]
    assert main([str(folder), *settings]) == Exit.OK
    assert f"connected to ws://localhost:{gateway.port}" in capsys.readouterr().out


def test_a_url_as_host_is_told_where_it_belongs(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(folder), "--set", "WebSocket.host=ws://localhost"]) == Exit.SETTINGS
    assert "[WebSocket] url" in capsys.readouterr().out
