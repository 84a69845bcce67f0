"""Which kinds of image files are decoded: a fixed list, and those of telephones where their decoders are installed.

AVIF comes with Pillow's wheels, HEIC with pillow-heif (the extra `photos`). A kind is told by its first bytes, and only
its own decoder gets to see the file: nobody who sends a PNG meets libheif.
"""

import functools
from typing import Final

from PIL import features

from protocol.errors import ErrorCode, Refusal

ALWAYS: Final = ("PNG", "JPEG", "TIFF", "WEBP", "BMP", "GIF")
"""By Pillow's names."""

HEIF, AVIF = "HEIF", "AVIF"

_BRANDS: Final = {
    **dict.fromkeys((b"avif", b"avis"), AVIF),
    **dict.fromkeys((b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs"), HEIF),
}
_ANY_CODEC: Final = (b"mif1", b"msf1")  # the container alone, of which the brands after it tell more
_MOST_BRANDS: Final = 64
_PDF: Final = b"%PDF-"


def formats_of(data: bytes) -> tuple[str, ...]:
    """The formats, by Pillow's names, that a file may be opened as; their decoders are loaded then.

    Raises Refusal UNSUPPORTED_IMAGE where it is of a kind that is known and not decoded here.
    """
    if data.startswith(_PDF):
        raise Refusal(ErrorCode.UNSUPPORTED_IMAGE, "It is a PDF document, of which each page must be sent as an image.")
    kind = _kind(data)
    if kind is None:
        return ALWAYS
    if not _is_there(kind):
        name = {HEIF: "HEIC", AVIF: "AVIF"}[kind]
        raise Refusal(
            ErrorCode.UNSUPPORTED_IMAGE,
            f"It is an {name} photo, and the OCR server has no decoder for that: save the photo as JPEG, or have the "
            "operator install one (pip install 'online-ocr[photos]') and start the OCR server anew.",
        )
    return (kind,)


def _kind(data: bytes) -> str | None:
    """HEIF or AVIF, by the brands in its first box (ISO 14496-12, 4.3); None for anything else."""
    if data[4:8] != b"ftyp":
        return None
    end = min(int.from_bytes(data[:4]), 16 + 4 * _MOST_BRANDS)
    brands = [data[8:12], *(data[place : place + 4] for place in range(16, end, 4))]
    known = (_BRANDS[brand] for brand in brands if brand in _BRANDS)
    return next(known, HEIF if brands[0] in _ANY_CODEC else None)


@functools.cache
def _is_there(kind: str) -> bool:
    """Load the decoder of this kind; False where there is none. One thread, as every core has its process."""
    if kind == AVIF:
        if not features.check("avif"):
            return False
        from PIL import AvifImagePlugin

        AvifImagePlugin.DEFAULT_MAX_THREADS = 1
        return True
    try:
        import pillow_heif
    except ImportError:
        return False
    # Nothing but the image itself: no thumbnail in its place, no maps of depth.
    pillow_heif.register_heif_opener(thumbnails=False, depth_images=False, aux_images=False, decode_threads=1)
    return True
