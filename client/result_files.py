"""The text files of a run: one for each image, never half written, never over another file unasked."""

import itertools
import os
import secrets
import tempfile
from pathlib import Path
from typing import Final

from .errors import ResultNotSaved
from .folder import ImageFile

SUFFIX: Final = ".txt"


class ResultFiles:
    """A folder of text files: the text of scan.png is in scan.png.txt, so that scan.jpg has a file of its own.

    overwrite: replace what is there.
    """

    def __init__(self, folder: Path, *, overwrite: bool = False) -> None:
        self.folder = folder
        self._overwrite = overwrite
        # Names of their own, and short ones: an image's name may be as long as names can be.
        self._temporary_names = map(f".ocr-{secrets.token_hex(16)}-{{}}".format, itertools.count())

    def prepare(self) -> None:
        """Make the folder, if it is not there, and see that files can be made in it. Raises OSError."""
        self.folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=self.folder):
            pass

    def path(self, image: ImageFile) -> Path:
        """Where the text of an image goes."""
        return self.folder / f"{image.path.name}{SUFFIX}"

    def in_the_way(self, image: ImageFile) -> bool:
        """True when the image's text could not be saved, because a file is there."""
        return not self._overwrite and os.path.lexists(self.path(image))

    def save(self, image: ImageFile, text: str) -> Path:
        """Write the text of an image, whole or not at all. Raises ResultNotSaved."""
        path = self.path(image)
        try:
            self._write(path, text.encode())
        except FileExistsError as error:
            raise ResultNotSaved(image.name, f"{path} has come to be there meanwhile; it is left as it is.") from error
        except OSError as error:
            raise ResultNotSaved(image.name, f"{path} cannot be written: {error.strerror or error}.") from error
        return path

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


def _place(temporary: Path, path: Path) -> None:
    """Give the file its name unless that is taken: FileExistsError."""
    try:
        path.hardlink_to(temporary)
    except FileExistsError:
        raise
    except OSError:  # a file system without hard links: reserve the name, then replace what is ours
        path.touch(exist_ok=False)
        temporary.replace(path)
