"""Finding Tesseract and its data, and saying how to install what is missing."""

from pathlib import Path

import pytest

from ocr_server import installation
from ocr_server.engine import EngineMissing
from ocr_server.installation import choose
from settings.schema import TesseractLocation


@pytest.fixture
def program(tmp_path: Path) -> str:
    path = tmp_path / "tesseract"
    path.write_text("#!/bin/sh\n", "utf-8")
    path.chmod(0o755)
    return str(path)


@pytest.fixture
def tessdata(tmp_path: Path) -> str:
    folder = tmp_path / "tessdata"
    folder.mkdir()
    (folder / "eng.traineddata").touch()
    return str(folder)


def test_the_engine_that_is_named_is_taken(program: str, tessdata: str) -> None:
    choice = choose(TesseractLocation(program, tessdata, "pytesseract"), ["eng"])
    assert (choice.engine, choice.program, choice.tessdata) == ("pytesseract", program, tessdata)


def test_without_tesserocr_auto_falls_back_and_says_so(
    program: str, tessdata: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(__import__("sys").modules, "tesserocr", None)
    choice = choose(TesseractLocation(program, tessdata, "auto"), ["eng"])
    assert choice.engine == "pytesseract"
    assert "tesserocr" in choice.note
    with pytest.raises(EngineMissing, match="pip install tesserocr"):
        choose(TesseractLocation(program, tessdata, "tesserocr"), ["eng"])


def test_a_missing_program_is_told_with_how_to_install_it(tessdata: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    monkeypatch.setattr(installation, "PROGRAMS", ())
    with pytest.raises(EngineMissing, match=r"apt install tesseract-ocr.*brew install"):
        choose(TesseractLocation("", tessdata, "pytesseract"), ["eng"])


@pytest.mark.parametrize("wanted", ["auto", "pytesseract"])
def test_a_path_that_is_no_program_is_named(wanted: str, tessdata: str) -> None:
    with pytest.raises(EngineMissing, match="/nowhere/tesseract is no program"):
        choose(TesseractLocation("/nowhere/tesseract", tessdata, wanted), ["eng"])


def test_a_missing_language_is_named_with_its_package(tessdata: str) -> None:
    with pytest.raises(EngineMissing, match=r"chi_tra in .*apt install tesseract-ocr-chi-tra'"):
        choose(TesseractLocation("", tessdata, "auto"), ["eng", "chi_tra"])


def test_a_folder_without_data_is_named(tmp_path: Path) -> None:
    with pytest.raises(EngineMissing, match=r"no language data is found in .*nothing.*apt install"):
        choose(TesseractLocation("", str(tmp_path / "nothing"), "auto"), ["eng"])


def test_the_data_is_found_where_the_environment_says(
    tessdata: str, program: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TESSDATA_PREFIX", tessdata)
    assert choose(TesseractLocation(program, "", "pytesseract"), ["eng"]).tessdata == tessdata


def test_the_data_is_found_where_the_program_says(tessdata: str, program: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(installation, "DATA_FOLDERS", ())
    monkeypatch.delenv("TESSDATA_PREFIX", raising=False)
    Path(program).write_text(f"#!/bin/sh\necho 'List of available languages in \"{tessdata}/\" (1):'\n", "utf-8")
    assert Path(choose(TesseractLocation(program, "", "pytesseract"), ["eng"]).tessdata) == Path(tessdata)


def test_all_languages_with_data_are_installed_those_of_the_settings_first(tessdata: str) -> None:
    for name in ("osd", "deu", "chi_tra"):
        (Path(tessdata) / f"{name}.traineddata").touch()
    assert choose(TesseractLocation("", tessdata, "auto"), ["eng"]).installed == ("eng", "chi_tra", "deu")


def test_auto_takes_what_is_installed_and_loads_the_widespread_script_first(tessdata: str) -> None:
    for name in ("osd", "equ", "deu", "chi_tra"):
        (Path(tessdata) / f"{name}.traineddata").touch()
    choice = choose(TesseractLocation("", tessdata, "auto"), ["auto"])
    assert (choice.languages, choice.installed) == (("deu", "eng"), ("chi_tra", "deu", "eng"))


def test_auto_with_nothing_installed_is_told(tmp_path: Path) -> None:
    (tmp_path / "osd.traineddata").touch()
    with pytest.raises(EngineMissing, match="no language data is found"):
        choose(TesseractLocation("", str(tmp_path), "auto"), ["auto"])
