"""The files of a run's results: some for each image, none half written, none over another file unasked."""

import itertools
import os
import secrets
import tempfile
from collections.abc import Sequence
from pathlib import Path

from .errors import ResultNotSaved
from .events import Recognition
from .folder import ImageFile
from .formats import TXT, Format


class ResultFiles:
    """A folder of results: the text of scan.png is in scan.png.txt, so that scan.jpg has a file of its own.

    formats: the files of each image, side by side. overwrite: replace what is there. Names are those of the images
    here; nothing that a gateway sends becomes part of a path.
    """

    def __init__(self, folder: Path, formats: Sequence[Format] = (TXT,), *, overwrite: bool = False) -> None:
        self.folder = folder
        self._formats = formats
        self._overwrite = overwrite
        # Names of their own, and short ones: an image's name may be as long as names can be.
        self._temporary_names = map(f".ocr-{secrets.token_hex(16)}-{{}}".format, itertools.count())

    def prepare(self) -> None:
        """Make the folder, if it is not there, and see that files can be made in it. Raises OSError."""
        self.folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=self.folder):
            pass

    def path(self, image: ImageFile, kind: Format = TXT) -> Path:
        """Where a result of an image goes."""
        return self.folder / f"{image.path.name}{kind.suffix}"

    def in_the_way(self, image: ImageFile) -> Path | None:
        """The first file that is where a result of the image would go; None when all of them can be saved."""
        if self._overwrite:
            return None
        return next(filter(os.path.lexists, (self.path(image, kind) for kind in self._formats)), None)

    def save(self, image: ImageFile, read: Recognition) -> list[Path]:
        """Write the files of an image, each whole or not at all, and as many as can be. Raises ResultNotSaved."""
        saved: list[Path] = []
        problems: list[str] = []
        for kind in self._formats:
            path, content = self.path(image, kind), kind.content(read)
            try:
                if content is None:
                    problems.append(f"The gateway sent no {kind.output} that can be saved as {path}.")
                else:
                    self._write(path, content)
                    saved.append(path)
            except FileExistsError:
                problems.append(f"{path} has come to be there meanwhile; it is left as it is.")
            except OSError as error:
                problems.append(f"{path} cannot be written: {error.strerror or error}.")
        if problems:
            rest = [f"Saved: {shown(saved)}."] if saved else []
            raise ResultNotSaved(image.name, " ".join(problems + rest))
        return saved

    def _write(self, path: Path, content: bytes) -> None:
        temporary = self.folder / next(self._temporary_names)
        try:
            with temporary.open("xb") as file:
                file.write(content)
            if self._overwrite:
                temporary.replace(path)
            else:
                _place(temporary, path)
        finally:
            temporary.unlink(missing_ok=True)


def shown(paths: Sequence[Path]) -> str:
    """The files in a sentence."""
    return ", ".join(map(str, paths))


def _place(temporary: Path, path: Path) -> None:
    """Give the file its name unless that is taken: FileExistsError."""
    try:
        path.hardlink_to(temporary)
    except FileExistsError:
        raise
    except OSError:  # a file system without hard links: reserve the name, then replace what is ours
        path.touch(exist_ok=False)
        temporary.replace(path)
