"""Which files are images: found by their first bytes, sorted as people count, without decoding anything."""

import dataclasses
import os
import re
from pathlib import Path
from typing import Final

from .errors import ImageFailed, NoImages

FORMATS: Final = "PNG, JPEG, TIFF, WebP, BMP, GIF, HEIC or AVIF"
DEFAULT_FOLDER: Final = "images"
SAMPLES: Final = Path(__file__).parent / "samples"
"""The sample images that an installed package carries; not there in a checkout, which has `images`."""

_HEAD_BYTES: Final = 32
_NAMES_SHOWN: Final = 3

_SIGNATURES: Final = (
    b"\x89PNG\r\n\x1a\n",
    b"\xff\xd8\xff",  # JPEG
    b"II*\x00",  # TIFF, least significant byte first
    b"MM\x00*",
    b"II+\x00",  # BigTIFF
    b"MM\x00+",
    b"GIF87a",
    b"GIF89a",
)
_BRANDS: Final = frozenset(
    (
        *(b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs"),
        *(b"avif", b"avis", b"mif1", b"msf1"),
    )
)
"""Of HEIC and AVIF (ISO 14496-12, 4.3); a film's box is the same, with other brands. Whether an OCR server can decode
them is known there alone."""
_BMP_HEADER_SIZES: Final = (12, 16, 40, 52, 56, 64, 108, 124)


@dataclasses.dataclass(frozen=True, eq=False, slots=True)
class ImageFile:
    """An image in the folder. Nothing is added to it while it is sent: a run keeps all of them to its end."""

    path: Path

    def read(self, max_bytes: int | None = None) -> bytes:
        """Its content. Raises ImageFailed: it cannot be read, or is larger than max_bytes (None: than the memory)."""
        try:
            with self.path.open("rb", buffering=0) as file:  # what is read whole needs no buffer beside it
                size = os.fstat(file.fileno()).st_size
                if max_bytes is not None and size > max_bytes:
                    raise self._too_large(f"{size} bytes, and the gateway takes {max_bytes}")
                return file.readall()
        except OSError as error:
            raise ImageFailed(self.name, f"The file {self.path} cannot be read: {error.strerror}.") from error
        except MemoryError as error:
            raise self._too_large("more bytes than there is memory") from error

    def _too_large(self, what_it_has: str) -> ImageFailed:
        advice = "Scale it down or cut it into parts."
        return ImageFailed(self.name, f"The file {self.path} is too large: it has {what_it_has}. {advice}")

    @property
    def name(self) -> str:
        """The file's name as it is sent: always valid Unicode, which a file name need not be."""
        return os.fsencode(self.path.name).decode("utf-8", "replace")


@dataclasses.dataclass(frozen=True, slots=True)
class Found:
    """What a folder holds. left_out: names of the files that are no images."""

    images: tuple[ImageFile, ...]
    left_out: tuple[str, ...] = ()


def is_image(head: bytes) -> bool:
    """True when a file that begins with `head` (32 bytes or more, if it has them) is in one of the FORMATS."""
    if head.startswith(_SIGNATURES):
        return True
    if head.startswith(b"RIFF"):
        return head[8:12] == b"WEBP"
    if head[4:8] == b"ftyp":
        return head[8:12] in _BRANDS
    # "BM" alone also begins many a text: BMP's reserved bytes are 0, and its header has one of a few sizes.
    return (
        head.startswith(b"BM") and head[6:10] == bytes(4) and int.from_bytes(head[14:18], "little") in _BMP_HEADER_SIZES
    )


def find_images(path: Path) -> Found:
    """The images of a folder, or the one image that `path` is. Subfolders are not entered, hidden files not looked at.

    Raises NoImages.
    """
    try:
        if path.is_file():
            if _has_image(path):
                return Found((ImageFile(path),))
            raise NoImages(f"The file {path} is no {FORMATS} image.")
        with os.scandir(path) as entries:  # which tells files from folders without looking at each
            files = [path / one.name for one in entries if not one.name.startswith(".") and _is_file(one)]
    except FileNotFoundError:
        raise NoImages(f"There is no folder {path}. Name a folder of images, as in: python -m client scans/") from None
    except OSError as error:
        raise NoImages(f"The folder {path} cannot be read: {error.strerror}.") from error
    files.sort(key=_natural)
    images: list[Path] = []
    others: list[Path] = []
    for one in files:
        (images if _has_image(one) else others).append(one)
    left_out = tuple(one.name for one in others)
    if not images:
        what = f"holds no {FORMATS} image ({names(left_out)})" if left_out else "is empty"
        raise NoImages(f"The folder {path} {what}.")
    return Found(tuple(map(ImageFile, images)), left_out)


def choose_folder(asked_for: Path | None, image_dir: str) -> Path:
    """What to read: what was asked for, the settings' folder, or the samples where the default folder is missing."""
    if asked_for is not None:
        return asked_for
    if image_dir == DEFAULT_FOLDER and not Path(image_dir).exists() and SAMPLES.is_dir():
        return SAMPLES
    return Path(image_dir)


def names(of: tuple[str, ...]) -> str:
    """The first few names, and how many more there are."""
    more = len(of) - _NAMES_SHOWN
    return ", ".join(of[:_NAMES_SHOWN]) + (f" and {more} more" if more > 0 else "")


def _is_file(entry: os.DirEntry[str]) -> bool:
    """True also for a link to what cannot be found or looked at: it is told of by its name."""
    try:
        is_file = entry.is_file()
        if not is_file and entry.is_symlink():
            entry.stat()  # raises where what it leads to is missing, for which is_file says False
    except OSError:
        return True
    return is_file


def _has_image(path: Path) -> bool:
    try:
        with path.open("rb", buffering=0) as file:
            return is_image(file.read(_HEAD_BYTES))
    except OSError:
        # An unreadable image is one that the user wants to hear about: it fails when it is to be sent.
        return path.suffix.lower() in _SUFFIXES


_SUFFIXES: Final = (
    *(".png", ".jpg", ".jpeg", ".tif", ".tiff", ".webp", ".bmp", ".gif"),
    *(".heic", ".heif", ".hif", ".avif"),
)


def _natural(path: Path) -> tuple[list[str | int], str]:
    """page2 before page10. Text and numbers take turns in the list, so that like is compared with like."""
    parts: list[str | int] = list(re.split(r"([0-9]+)", path.name.casefold()))
    parts[1::2] = map(int, parts[1::2])
    return parts, path.name
