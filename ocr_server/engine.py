"""Tesseract, in this process (tesserocr) or as a program (pytesseract): the only user of both.

EngineError
+-- EngineMissing    no engine, program or language data; the message says how to install it
+-- EngineTimeout    an image took longer than allowed
+-- EngineFailed     Tesseract gave up on an image
"""

import dataclasses
import importlib
import os
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Protocol

from settings.schema import TesseractLocation

if TYPE_CHECKING:
    from .image import Page

PROGRAMS: Final = ("/usr/bin/tesseract", "/usr/local/bin/tesseract", "/opt/homebrew/bin/tesseract")
DATA_FOLDERS: Final = (
    "/usr/share/tesseract-ocr/*/tessdata",  # Debian, Ubuntu
    "/usr/share/tessdata",  # Fedora, Arch
    "/usr/local/share/tessdata",  # built from source; Homebrew on Intel
    "/opt/homebrew/share/tessdata",
)


class EngineError(Exception):
    """What goes wrong with Tesseract."""


class EngineMissing(EngineError):
    """Something is not installed."""


class EngineTimeout(EngineError):
    """An image took longer than allowed."""


class EngineFailed(EngineError):
    """Tesseract gave up on an image."""


@dataclasses.dataclass(frozen=True)
class Choice:
    """What was found: engine ("tesserocr" or "pytesseract"), program (None: not needed), folder of language data.

    note: what a person should know of the choice, "" when there is nothing.
    """

    engine: str
    program: str | None
    tessdata: str
    languages: tuple[str, ...]
    note: str = ""


class Engine(Protocol):
    """Reads pages; kept for many images, used by one thread."""

    def read(self, page: "Page", page_seg_mode: int, seconds: float) -> str:
        """The page's text. Raises EngineTimeout after about `seconds`, EngineFailed."""


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
    return Choice(wanted, program if wanted == "pytesseract" else None, tessdata, tuple(languages), note)


def load(choice: Choice) -> Engine:
    """Load the engine, with its language models. Raises EngineMissing."""
    return _Tesserocr(choice) if choice.engine == "tesserocr" else _Pytesseract(choice)


def _program(path: str) -> str | None:
    if path:
        return shutil.which(path)
    return shutil.which("tesseract") or next((one for one in PROGRAMS if os.access(one, os.X_OK)), None)


def _tessdata(path: str, program: str | None, languages: Sequence[str]) -> str:
    tried = [Path(path)] if path else list(_data_folders(program))
    wanted = [f"{language}.traineddata" for language in languages]
    for folder in tried:
        if all((folder / name).is_file() for name in wanted):
            return str(folder)
    with_any = [folder for folder in tried if any(folder.glob("*.traineddata"))]
    if with_any:
        missing = [name for name, file in zip(languages, wanted, strict=True) if not (with_any[0] / file).is_file()]
        packages = " ".join(f"tesseract-ocr-{name.replace('_', '-').lower()}" for name in missing)
        raise EngineMissing(
            f"[OCR] languages: there is no data for {', '.join(missing)} in {with_any[0]}. Install it "
            f"('apt install {packages}' on Debian and Ubuntu, 'brew install tesseract-lang' on macOS)."
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


class _Tesserocr:
    """Tesseract's library in this process: no start and no loading for each image."""

    def __init__(self, choice: Choice) -> None:
        self._library = importlib.import_module("tesserocr")
        try:
            self._api: Any = self._library.PyTessBaseAPI(path=choice.tessdata, lang="+".join(choice.languages))
        except RuntimeError as error:
            raise EngineMissing(
                f"Tesseract cannot load {', '.join(choice.languages)} from {choice.tessdata} ({error}). "
                "The files may be damaged: install them anew."
            ) from error

    def read(self, page: "Page", page_seg_mode: int, seconds: float) -> str:
        image, api = page.image, self._api
        width, height = image.size
        bytes_per_pixel = len(image.getbands())
        try:
            api.SetPageSegMode(page_seg_mode)
            api.SetImageBytes(image.tobytes(), width, height, bytes_per_pixel, bytes_per_pixel * width)
            if page.dpi:
                api.SetSourceResolution(page.dpi)
            # The engine looks at its clock between words only, so its end may come somewhat later.
            if not api.Recognize(max(1, int(seconds * 1000))):
                raise EngineTimeout
            return str(api.GetUTF8Text())
        except RuntimeError as error:
            raise EngineFailed(str(error)) from error
        finally:
            api.Clear()


class _Pytesseract:
    """The tesseract program, started for each page."""

    def __init__(self, choice: Choice) -> None:
        self._library = importlib.import_module("pytesseract")
        self._library.pytesseract.tesseract_cmd = choice.program
        self._choice = choice

    def read(self, page: "Page", page_seg_mode: int, seconds: float) -> str:
        config = f"--tessdata-dir '{self._choice.tessdata}' --psm {page_seg_mode}"
        if page.dpi:
            config += f" --dpi {page.dpi}"
        try:
            text = self._library.image_to_string(
                page.image, lang="+".join(self._choice.languages), config=config, timeout=seconds
            )
        except self._library.TesseractError as error:  # a subclass of the RuntimeError below: it goes first
            raise EngineFailed(str(error.message)) from error
        except RuntimeError as error:  # all that pytesseract says of a timeout
            raise EngineTimeout from error
        return str(text)
