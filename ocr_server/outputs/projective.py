"""Where a point of one image lies in another: scaled, moved, turned, mirrored, seen from the side. Pure."""

import dataclasses
import math
from typing import Self

Point = tuple[float, float]
Box = tuple[float, float, float, float]
"""Left, top, right, bottom."""

Row = tuple[float, float, float]


@dataclasses.dataclass(frozen=True, slots=True)
class Projective:
    """x' = (a x + b y + c) / w, y' = (d x + e y + f) / w, w = g x + h y + i: the nine numbers as OpenCV has them.

    Straight lines stay straight. A factor on all nine makes no difference; where g and h are 0, parallels stay so too.
    Pixels are areas: (0, 0) is the upper left corner of the first, (width, height) the lower right one of the last.
    """

    a: float = 1.0
    b: float = 0.0
    c: float = 0.0
    d: float = 0.0
    e: float = 1.0
    f: float = 0.0
    g: float = 0.0
    h: float = 0.0
    i: float = 1.0

    @classmethod
    def scaled(cls, x: float, y: float) -> Self:
        """Each coordinate times its factor."""
        return cls(a=x, e=y)

    @classmethod
    def moved(cls, x: float, y: float) -> Self:
        """So many pixels to the right and down."""
        return cls(c=x, f=y)

    @classmethod
    def turned(cls, degrees: float, width: float, height: float) -> Self:
        """Clockwise about the centre of such an image, as seen, so that the result's corner is at (0, 0) again."""
        sine, cosine = math.sin(math.radians(degrees)), math.cos(math.radians(degrees))
        if degrees % 90 == 0:
            sine, cosine = round(sine), round(cosine)
        wide = abs(width * cosine) + abs(height * sine)
        high = abs(width * sine) + abs(height * cosine)
        c = (wide - cosine * width + sine * height) / 2
        return cls(cosine, -sine, c, sine, cosine, (high - sine * width - cosine * height) / 2)

    @classmethod
    def upright(cls, orientation: int, width: float, height: float) -> Self:
        """From an image of this size as it is stored to how it is seen: EXIF's Orientation, 1 to 8 (2.3, 4.6.4)."""
        ways = {
            2: cls(a=-1, c=width),
            3: cls.turned(180, width, height),
            4: cls(e=-1, f=height),
            5: cls(0, 1, 0, 1, 0, 0),
            6: cls.turned(90, width, height),
            7: cls(0, -1, height, -1, 0, width),
            8: cls.turned(270, width, height),
        }
        return ways.get(orientation, cls())

    @classmethod
    def levelled(cls, slope: float, change: float, x: float) -> Self:
        """Lines that run towards one point come to lie level, as high as they are at this x.

        slope: of the line that is at (x, 0) there, downwards a pixel. change: of the slope, for each pixel more down.
        """
        # The line at (x, y) is y + (slope + change y) dx: all of them meet at dx = -1 / change, where w is 0.
        shear = cls(a=1.0, b=0.0, c=0.0, d=-slope, e=1.0, f=0.0, g=change, h=0.0, i=1.0)
        return cls(*cls.moved(-x, 0).then(shear).then(cls.moved(x, 0)).numbers)

    @property
    def numbers(self) -> tuple[float, ...]:
        """All nine, row by row."""
        return self.a, self.b, self.c, self.d, self.e, self.f, self.g, self.h, self.i

    @property
    def rows(self) -> tuple[Row, Row, Row]:
        """The matrix, for points (x, y, 1)."""
        return (self.a, self.b, self.c), (self.d, self.e, self.f), (self.g, self.h, self.i)

    def then(self, after: "Projective") -> "Projective":
        """This one, and `after` on what comes out."""
        columns = tuple(zip(*self.rows, strict=True))
        return Projective(*(p * s + q * t + r * u for p, q, r in after.rows for s, t, u in columns))

    def inverse(self) -> "Projective":
        """The way back. Raises ZeroDivisionError where there is none."""
        a, b, c, d, e, f, g, h, i = self.numbers
        adjugate = (
            *(e * i - f * h, c * h - b * i, b * f - c * e),
            *(f * g - d * i, a * i - c * g, c * d - a * f),
            *(d * h - e * g, b * g - a * h, a * e - b * d),
        )
        size = self._determinant
        return Projective(*(number / size for number in adjugate))

    @property
    def mirrors(self) -> bool:
        """True when a text could not be read any more."""
        return self._determinant * self.i < 0

    @property
    def _determinant(self) -> float:
        a, b, c, d, e, f, g, h, i = self.numbers
        return a * (e * i - f * h) - b * (d * i - f * g) + c * (d * h - e * g)

    def of(self, point: Point) -> Point:
        """Where the point comes to lie. Raises ZeroDivisionError for one that is not seen: infinitely far away."""
        x, y = point
        w = self.g * x + self.h * y + self.i
        return (self.a * x + self.b * y + self.c) / w, (self.d * x + self.e * y + self.f) / w

    def of_vector(self, vector: Point, at: Point) -> Point:
        """What becomes of an arrow that begins at a point."""
        (x0, y0), (x1, y1) = self.of(at), self.of((at[0] + vector[0], at[1] + vector[1]))
        return x1 - x0, y1 - y0

    def of_box(self, box: Box) -> Box:
        """The upright box around what becomes of the box."""
        left, top, right, bottom = box
        corners = [self.of(corner) for corner in ((left, top), (right, top), (right, bottom), (left, bottom))]
        xs, ys = [x for x, _ in corners], [y for _, y in corners]
        return min(xs), min(ys), max(xs), max(ys)
