"""Where a point of one image lies in another: scaled, moved, turned, mirrored. Pure."""

import dataclasses
import math
from typing import Self

Point = tuple[float, float]
Box = tuple[float, float, float, float]
"""Left, top, right, bottom."""


@dataclasses.dataclass(frozen=True, slots=True)
class Affine:
    """x' = a x + b y + c, y' = d x + e y + f: the six numbers as Pillow's transform and OpenCV's matrices have them.

    Pixels are areas: (0, 0) is the upper left corner of the first, (width, height) the lower right one of the last.
    """

    a: float = 1.0
    b: float = 0.0
    c: float = 0.0
    d: float = 0.0
    e: float = 1.0
    f: float = 0.0

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

    def then(self, after: "Affine") -> "Affine":
        """This one, and `after` on what comes out."""
        c, f = after.of((self.c, self.f))
        (a, d), (b, e) = after.of_vector((self.a, self.d)), after.of_vector((self.b, self.e))
        return Affine(a, b, c, d, e, f)

    def inverse(self) -> "Affine":
        """The way back. Raises ZeroDivisionError where there is none."""
        size = self.determinant
        a, b, d, e = self.e / size, -self.b / size, -self.d / size, self.a / size
        return Affine(a, b, -(a * self.c + b * self.f), d, e, -(d * self.c + e * self.f))

    @property
    def determinant(self) -> float:
        """Below 0: it mirrors."""
        return self.a * self.e - self.b * self.d

    def of(self, point: Point) -> Point:
        """Where the point comes to lie."""
        x, y = point
        return self.a * x + self.b * y + self.c, self.d * x + self.e * y + self.f

    def of_vector(self, vector: Point) -> Point:
        """What becomes of a direction with a length."""
        x, y = vector
        return self.a * x + self.b * y, self.d * x + self.e * y

    def of_box(self, box: Box) -> Box:
        """The upright box around what becomes of the box."""
        left, top, right, bottom = box
        corners = [self.of(corner) for corner in ((left, top), (right, top), (right, bottom), (left, bottom))]
        xs, ys = [x for x, _ in corners], [y for _, y in corners]
        return min(xs), min(ys), max(xs), max(ys)
