"""Pages of words whose places are known, and what a camera or a careless hand makes of them."""

import random
from collections.abc import Iterator

from PIL import Image, ImageDraw, ImageFont

from ocr_server.outputs.projective import Point, Projective

SIZE = 30
WIDTH, HEIGHT = 1240, 1500
WORDS = ("spring", "came", "early", "this", "year", "and", "the", "young", "trees", "were", "in", "flower", "before")

Placed = tuple[str, Point, Point]
"""A word, and the two ends of its base line."""


def text_page(width: int = WIDTH, height: int = HEIGHT, lines: int = 100) -> tuple[Image.Image, list[Placed]]:
    """Black on white, and the words on it in reading order."""
    image, chance = Image.new("L", (width, height), 255), random.Random(5)
    draw, font = ImageDraw.Draw(image), ImageFont.load_default(SIZE)
    found = list[Placed]()
    for base in list(range(4 * SIZE, height - 3 * SIZE, 2 * SIZE))[:lines]:
        x = 120
        while x < width - 300:
            text = chance.choice(WORDS)
            draw.text((x, base), text, font=font, fill=0, anchor="ls")
            dark = image.crop((x - 3, base - SIZE, width, base + SIZE)).point(
                [255 * (grey < 128) for grey in range(256)]
            )
            left, _, right, _ = dark.getbbox() or (0, 0, 0, 0)
            found.append((text, (x - 3 + left, base), (x - 3 + right, base)))
            x += round(font.getlength(f"{text} "))
    return image, found


def seen(image: Image.Image, way: Projective, size: tuple[int, int] | None = None, around: int = 255) -> Image.Image:
    """The page as it comes to lie."""
    back = way.inverse()
    a, b, c, d, e, f, g, h, i = back.numbers
    numbers = [one / i for one in (a, b, c, d, e, f, g, h)]
    transform, cubic = Image.Transform.PERSPECTIVE, Image.Resampling.BICUBIC
    return image.transform(size or image.size, transform, numbers, cubic, fillcolor=around)


def through(words: list[Placed], way: Projective) -> Iterator[Placed]:
    """The words where they come to lie."""
    for text, start, end in words:
        yield text, way.of(start), way.of(end)


def aslant(degrees: float, width: int = WIDTH, height: int = HEIGHT) -> Projective:
    """Clockwise about the middle, on paper that goes on."""
    x, y = width / 2, height / 2
    turned = Projective.turned(degrees, width, height)
    centre = turned.of((x, y))
    return turned.then(Projective.moved(x - centre[0], y - centre[1]))


def from_the_side(change: float, aside: float = 0.0, width: int = WIDTH, height: int = HEIGHT) -> Projective:
    """Lines meet at the right (change < 0: of the slope, a pixel further down) or at the left; columns, by `aside`."""
    lines = Projective.levelled(-change * height / 2, change, width / 2).inverse()
    x, y = width / 2, height / 2
    columns = Projective.moved(-x, -y).then(Projective(h=aside)).then(Projective.moved(x, y))
    return columns.then(lines)
