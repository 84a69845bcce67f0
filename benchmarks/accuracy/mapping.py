"""From points of one plane to points of another: shift, scale, turn and perspective are all one 3 x 3 matrix. Pure."""

import dataclasses
import math
import operator
from typing import Self

from .placement import Point, Word

Row = tuple[float, float, float]
Quad = tuple[Point, Point, Point, Point]


@dataclasses.dataclass(frozen=True)
class Mapping:
    """A projective map; `rows` of its matrix, for points (x, y, 1)."""

    rows: tuple[Row, Row, Row]

    def __call__(self, point: Point) -> Point:
        """Where a point goes."""
        x, y, scale = (row[0] * point[0] + row[1] * point[1] + row[2] for row in self.rows)
        return x / scale, y / scale

    def then(self, other: "Mapping") -> "Mapping":
        """This one first, the other one after it."""
        columns = list(zip(*self.rows, strict=True))
        first, second, third = ([sum(map(operator.mul, row, column)) for column in columns] for row in other.rows)
        return Mapping(((*first,), (*second,), (*third,)))

    def inverse(self) -> "Mapping":
        """The way back."""
        (a, b, c), (d, e, f), (g, h, i) = self.rows
        adjugate = (
            (e * i - f * h, c * h - b * i, b * f - c * e),
            (f * g - d * i, a * i - c * g, c * d - a * f),
            (d * h - e * g, b * g - a * h, a * e - b * d),
        )
        return Mapping(adjugate)  # a factor makes no difference

    def coefficients(self) -> tuple[float, ...]:
        """The eight that Pillow's Image.transform takes, of which the ninth is 1."""
        last = self.rows[2][2]
        return tuple(value / last for row in self.rows for value in row)[:8]

    def word(self, word: Word) -> Word:
        """A word at its new place; its height is what a step up from its middle becomes."""
        middle = ((word.start[0] + word.end[0]) / 2, (word.start[1] + word.end[1]) / 2)
        length = math.dist(word.start, word.end) or 1.0
        up = ((word.end[1] - word.start[1]) / length, -(word.end[0] - word.start[0]) / length)
        above = (middle[0] + up[0] * word.height, middle[1] + up[1] * word.height)
        return Word(word.text, self(word.start), self(word.end), math.dist(self(middle), self(above)))

    @classmethod
    def scale(cls, factor: float) -> Self:
        """Larger or smaller."""
        return cls(((factor, 0, 0), (0, factor, 0), (0, 0, 1)))

    @classmethod
    def shift(cls, x: float, y: float) -> Self:
        """To the right and down."""
        return cls(((1, 0, x), (0, 1, y), (0, 0, 1)))

    @classmethod
    def turn(cls, degrees: float) -> Self:
        """About the origin, counterclockwise as one sees it."""
        sine, cosine = math.sin(math.radians(degrees)), math.cos(math.radians(degrees))
        return cls(((cosine, sine, 0), (-sine, cosine, 0), (0, 0, 1)))

    @classmethod
    def to_quad(cls, width: float, height: float, corners: Quad) -> Self:
        """The rectangle from the origin to these corners: upper left, upper right, lower right, lower left.

        The closed form of P. Heckbert, Fundamentals of Texture Mapping, 1989, section 2.2.3.
        """
        (x0, y0), (x1, y1), (x2, y2), (x3, y3) = corners
        ax, ay, bx, by = x1 - x2, y1 - y2, x3 - x2, y3 - y2
        sx, sy = x0 - x1 + x2 - x3, y0 - y1 + y2 - y3
        area = ax * by - bx * ay
        g, h = (sx * by - bx * sy) / area, (ax * sy - sx * ay) / area
        return cls(
            (
                ((x1 - x0 + g * x1) / width, (x3 - x0 + h * x3) / height, x0),
                ((y1 - y0 + g * y1) / width, (y3 - y0 + h * y3) / height, y0),
                (g / width, h / height, 1),
            )
        )
