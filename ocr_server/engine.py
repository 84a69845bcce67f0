"""Tesseract, in this process (tesserocr) or as a program (pytesseract): the two that read with it.

EngineError
+-- EngineMissing    no engine, program or language data; the message says how to install it
+-- LanguageFailed   the data of a language cannot be loaded
+-- EngineTimeout    an image took longer than allowed
+-- EngineFailed     Tesseract gave up on an image
"""

import dataclasses
import importlib
import statistics
from collections import OrderedDict
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Protocol

from .outputs.ink import fitted
from .outputs.projective import Box
from .outputs.tesseract import layout_from, layout_of
from .reading import Reading, TextLine

if TYPE_CHECKING:
    from .image import Page

LOADED_LANGUAGES: Final = 4
"""Sets of languages that a process keeps loaded, 30 to 60 MB each; the one that was not used longest goes first."""


class EngineError(Exception):
    """What goes wrong with Tesseract."""


class EngineMissing(EngineError):
    """Something is not installed."""


class LanguageFailed(EngineError):
    """The data of a language cannot be loaded; the message says which and where."""


class EngineTimeout(EngineError):
    """An image took longer than allowed."""


class EngineFailed(EngineError):
    """Tesseract gave up on an image."""


@dataclasses.dataclass(frozen=True)
class Choice:
    """What was found: engine ("tesserocr" or "pytesseract"), program (None: not needed), folder of language data.

    languages: those of the settings. installed: all that there are, those first. note: what a person should know of the
    choice, "" when there is nothing.
    """

    engine: str
    program: str | None
    tessdata: str
    languages: tuple[str, ...]
    installed: tuple[str, ...]
    note: str = ""


class Engine(Protocol):
    """Reads pages; kept for many images, used by one thread."""

    def read(
        self, page: "Page", languages: tuple[str, ...], page_seg_mode: int, seconds: float, with_layout: bool = False
    ) -> Reading:
        """The page's text; with_layout: and where it stands.

        Raises EngineTimeout after about `seconds`, EngineFailed, LanguageFailed.
        """


def load(choice: Choice) -> Engine:
    """Load the engine, with the language models of the settings. Raises EngineMissing."""
    if choice.engine != "tesserocr":
        return _Pytesseract(choice)
    engine = _Tesserocr(choice)
    try:
        engine.load(choice.languages)
    except LanguageFailed as error:
        raise EngineMissing(f"{error} The files may be damaged: install them anew.") from error
    return engine


class _Tesserocr:
    """Tesseract's library in this process: no start and no loading for each image."""

    def __init__(self, choice: Choice) -> None:
        self._library = importlib.import_module("tesserocr")
        self._tessdata = choice.tessdata
        self._loaded: OrderedDict[tuple[str, ...], Any] = OrderedDict()

    def load(self, languages: tuple[str, ...]) -> Any:
        """The library with these languages, from memory where they were used lately. Raises LanguageFailed."""
        api = self._loaded.pop(languages, None) or self._load(languages)
        self._loaded[languages] = api
        if len(self._loaded) > LOADED_LANGUAGES:
            self._loaded.popitem(last=False)[1].End()
        return api

    def _load(self, languages: tuple[str, ...]) -> Any:
        failed = f"Tesseract cannot load {', '.join(languages)} from {self._tessdata}"
        try:
            api = self._library.PyTessBaseAPI(path=self._tessdata, lang="+".join(languages))
        except RuntimeError as error:
            raise LanguageFailed(f"{failed} ({error}).") from error
        if not set(languages) <= set(api.GetLoadedLanguages()):  # it goes on with those that it can load
            api.End()
            raise LanguageFailed(f"{failed}.")
        return api

    def read(
        self, page: "Page", languages: tuple[str, ...], page_seg_mode: int, seconds: float, with_layout: bool = False
    ) -> Reading:
        image, api = page.image, self.load(languages)
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
            layout = fitted(layout_of(api), image) if with_layout else None
            text, confidences = str(api.GetUTF8Text()), tuple(map(float, api.AllWordConfidences()))
            if len(confidences) != len(text.split()):  # there are blanks among them, of which it is sure
                confidences = tuple(self._confidences(api.GetIterator()))
            return Reading(text, confidences, layout, tuple(self._lines(api.GetIterator())))
        except RuntimeError as error:
            raise EngineFailed(str(error)) from error
        finally:
            api.Clear()

    def _confidences(self, iterator: Any) -> Iterator[float]:
        level = self._library.RIL.WORD
        while iterator is not None:  # of an empty page
            if not iterator.Empty(level) and iterator.GetUTF8Text(level).strip():
                yield float(iterator.Confidence(level))
            if not iterator.Next(level):
                return

    def _lines(self, iterator: Any) -> Iterator[TextLine]:
        level = self._library.RIL.TEXTLINE
        while iterator is not None:  # of an empty page
            text = "" if iterator.Empty(level) else iterator.GetUTF8Text(level).strip()
            if text:  # else it is a rule or a picture
                left, top, right, bottom = map(float, iterator.BoundingBox(level))
                yield TextLine((left, top, right, bottom), text, float(iterator.Confidence(level)))
            if not iterator.Next(level):
                return


class _Pytesseract:
    """The tesseract program, started for each page."""

    def __init__(self, choice: Choice) -> None:
        self._library = importlib.import_module("pytesseract").pytesseract
        self._library.tesseract_cmd = choice.program
        self._tessdata = choice.tessdata

    def read(
        self, page: "Page", languages: tuple[str, ...], page_seg_mode: int, seconds: float, with_layout: bool = False
    ) -> Reading:
        config = f"--tessdata-dir '{self._tessdata}' --psm {page_seg_mode} -c tessedit_create_tsv=1"
        if page.dpi:
            config += f" --dpi {page.dpi}"
        if with_layout:
            config += " -c tessedit_create_hocr=1"
        try:
            # What image_to_string and image_to_data are made of: both would start the program, and read, twice.
            with self._library.save(page.image) as (output, saved):
                self._library.run_tesseract(saved, output, "txt", "+".join(languages), config, timeout=seconds)
                ends = ("txt", "tsv", "hocr") if with_layout else ("txt", "tsv")
                text, table, *hocr = (Path(f"{output}.{end}").read_bytes().decode() for end in ends)
                layout = fitted(layout_from(table, *hocr), page.image) if hocr else None
                return Reading(text, tuple(_confidences(table)), layout, tuple(_lines(table)))
        except self._library.TesseractError as error:  # a subclass of the RuntimeError below: it goes first
            said = str(error.message)
            raise (LanguageFailed if "loading language" in said else EngineFailed)(said) from error
        except RuntimeError as error:  # all that pytesseract says of a timeout
            raise EngineTimeout from error


def _confidences(tsv: str) -> Iterator[float]:
    """Of the words in Tesseract's table: one row each, other rows have the confidence -1."""
    names, *rows = (line.split("\t") for line in tsv.split("\n"))
    place = names.index("conf")
    for row in rows:
        if len(row) == len(names) and row[-1].strip() and float(row[place]) >= 0:
            yield float(row[place])


def _lines(tsv: str) -> Iterator[TextLine]:
    """Of Tesseract's table, in which a line's row (level 4) goes before those of its words (level 5)."""
    found = list[tuple[Box, list[str], list[float]]]()
    for row in (line.split("\t") for line in tsv.split("\n")):
        if row[0] == "4":
            left, top, width, height = map(float, row[6:10])
            found.append(((left, top, left + width, top + height), [], []))
        elif row[0] == "5" and row[-1].strip():
            found[-1][1].append(row[-1])
            found[-1][2].append(float(row[10]))
    for box, words, confidences in found:
        if words:
            yield TextLine(box, " ".join(words), statistics.fmean(confidences))
