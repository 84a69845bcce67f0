"""Images in the formats of telephones, and the absence of what writes and reads HEIC."""

import importlib.util
import io
from typing import Any

import pytest
from PIL import Image

from tests.absent import fail_or_skip


def saved(image: Image.Image, kind: str, config: pytest.Config, **options: Any) -> bytes:
    """The image as a file of this kind, HEIF or AVIF; skips the test where nothing here can write it."""
    if kind == "HEIF":
        if importlib.util.find_spec("pillow_heif") is None:
            fail_or_skip("pillow-heif (the extra photos)", config)
        import pillow_heif

        pillow_heif.register_heif_opener()
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()
