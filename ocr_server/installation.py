"""What of Tesseract is installed on this machine: the engine, the program, the language data."""

import importlib
import os
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from settings.schema import TesseractLocation

from .engine import Choice, EngineMissing
from .options import among, how_to_install
from .scripts import AUTO, NO_LANGUAGES, sets_of

PROGRAMS: Final = ("/usr/bin/tesseract", "/usr/local/bin/tesseract", "/opt/homebrew/bin/tesseract")
DATA_FOLDERS: Final = (
    "/usr/share/tesseract-ocr/*/tessdata",  # Debian, Ubuntu
    "/usr/share/tessdata",  # Fedora, Arch
    "/usr/local/share/tessdata",  # built from source; Homebrew on Intel
    "/opt/homebrew/share/tessdata",
)


def choose(location: TesseractLocation, languages: Sequence[str]) -> Choice:
    """Find the engine that the settings ask for, and its data. Raises EngineMissing."""
    program = _program(location.path)
    if location.path and program is None:
        raise EngineMissing(
            f"[tesseract_location] path = {location.path} is no program. Correct it, or leave it empty."
        )
    tessdata = _tessdata(location.tessdata, program, languages)
    wanted, note = location.engine, ""
    if wanted != "pytesseract":
        try:
            importlib.import_module("tesserocr")
        except ImportError as error:
            if wanted == "tesserocr":
                raise EngineMissing(
                    f"[tesseract_location] engine = tesserocr, but it cannot be loaded ({error}). "
                    "Install it with 'pip install tesserocr', or set engine = pytesseract."
                ) from error
            note = f"tesserocr is not there ({error}); pytesseract is used, which starts a program for each image"
            wanted = "pytesseract"
        else:
            wanted = "tesserocr"
    if wanted == "pytesseract" and program is None:
        raise EngineMissing(
            "[tesseract_location] path: no tesseract program is found. Install it ('apt install tesseract-ocr' on "
            "Debian and Ubuntu, "
            "'brew install tesseract' on macOS), or set path to where it is."
        )
    installed = _installed(Path(tessdata), languages)
    if tuple(languages) == (AUTO,):
        languages = sets_of(among(languages, installed))[0]
    program = program if wanted == "pytesseract" else None
    return Choice(wanted, program, tessdata, tuple(languages), installed, note)


def _program(path: str) -> str | None:
    if path:
        return shutil.which(path)
    return shutil.which("tesseract") or next((one for one in PROGRAMS if os.access(one, os.X_OK)), None)


def _tessdata(path: str, program: str | None, languages: Sequence[str]) -> str:
    tried = [Path(path)] if path else list(_data_folders(program))
    wanted = [f"{language}.traineddata" for language in languages if language != AUTO]
    with_any = [folder for folder in tried if _installed(folder, ())]
    for folder in with_any:
        if all((folder / name).is_file() for name in wanted):
            return str(folder)
    if with_any:
        missing = [name for name, file in zip(languages, wanted, strict=True) if not (with_any[0] / file).is_file()]
        raise EngineMissing(
            f"[OCR] languages: there is no data for {', '.join(missing)} in {with_any[0]}. "
            f"Install it ({how_to_install(missing)})."
        )
    where = ", ".join(map(str, tried)) or "any of the usual places"
    raise EngineMissing(
        f"[tesseract_location] tessdata: no language data is found in {where}. Install it ('apt install "
        "tesseract-ocr' on Debian and Ubuntu, 'brew install tesseract' on macOS), or set tessdata to its folder."
    )


def _data_folders(program: str | None) -> Iterator[Path]:
    prefix = os.environ.get("TESSDATA_PREFIX")
    if prefix:
        yield from (Path(prefix), Path(prefix) / "tessdata")
    for pattern in DATA_FOLDERS:
        yield from sorted(Path("/").glob(pattern.lstrip("/")), reverse=True)
    if program:
        # The program's own word, for an unusual place: 'List of available languages in "/…/tessdata/" (3):'
        shown = subprocess.run([program, "--list-langs"], capture_output=True, text=True, timeout=10, check=False)  # noqa: S603
        parts = (shown.stdout + shown.stderr).split('"')
        if len(parts) > 1:
            yield Path(parts[1])


def _installed(tessdata: Path, languages: Sequence[str]) -> tuple[str, ...]:
    """All languages with data, those of the settings first."""
    there = sorted(file.stem for file in tessdata.glob("*.traineddata"))
    named = (language for language in languages if language != AUTO)
    return tuple(dict.fromkeys([*named, *(name for name in there if name not in NO_LANGUAGES)]))
