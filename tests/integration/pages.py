"""Pages that keep an engine busy long enough for something to happen meanwhile."""

import functools
import io

from PIL import Image, ImageDraw, ImageFont

LINES, MANY_LINES = 40, 120


def page_that_takes_a_while() -> bytes:
    """A dense page whose first line reads "Line 1 …"; a fast core reads it in about three seconds."""
    return _page(LINES)


def page_that_takes_too_long() -> bytes:
    """For time limits of up to two seconds, also on machines that are a few times as fast as today's."""
    return _page(MANY_LINES)


@functools.cache
def _page(lines: int) -> bytes:
    image = Image.new("L", (2600, 60 + 40 * lines), 255)
    draw, font = ImageDraw.Draw(image), ImageFont.load_default(size=30)
    for number in range(1, lines + 1):
        words = " ".join(f"word{number * 7 + place}" for place in range(20))
        draw.text((30, 30 + 40 * (number - 1)), f"Line {number} has {words}", fill=0, font=font)
    encoded = io.BytesIO()
    image.save(encoded, "PNG", compress_level=1)
    return encoded.getvalue()
