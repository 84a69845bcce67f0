"""Images for the tests, drawn where they are needed."""

import io

from PIL import Image, ImageDraw, ImageFont

WORDS = "Hello 2026"
# Bytes that are an image by their size only: for gateways, which never look inside.
NO_IMAGE = bytes(range(256)) * 4


def drawn(words: str = WORDS, image_format: str = "PNG") -> bytes:
    """An image that shows `words` in black on white."""
    image = Image.new("L", (60 + 28 * len(words), 120), 255)
    ImageDraw.Draw(image).text((30, 30), words, fill=0, font=ImageFont.load_default(size=40))
    encoded = io.BytesIO()
    image.save(encoded, image_format)
    return encoded.getvalue()


def drawn_of_size(size: int) -> bytes:
    """A readable PNG of exactly `size` bytes: decoders ignore what follows its end."""
    image = drawn()
    return image + bytes(size - len(image))
