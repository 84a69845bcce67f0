"""Ways from one image's coordinates to another's."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageOps

from ocr_server.outputs.affine import Affine

numbers = st.floats(-1000, 1000)
points = st.tuples(numbers, numbers)
ways = st.one_of(
    st.builds(Affine.scaled, st.floats(0.1, 9), st.floats(0.1, 9)),
    st.builds(Affine.moved, numbers, numbers),
    st.builds(Affine.turned, st.floats(-360, 360), st.floats(1, 999), st.floats(1, 999)),
)


@given(ways, ways, points)
def test_one_way_then_another(first: Affine, second: Affine, point: tuple[float, float]) -> None:
    assert first.then(second).of(point) == pytest.approx(second.of(first.of(point)), abs=1e-6)


@given(ways, points)
def test_there_and_back(way: Affine, point: tuple[float, float]) -> None:
    assert way.inverse().of(way.of(point)) == pytest.approx(point, abs=1e-6)


@pytest.mark.parametrize(
    ("degrees", "corner"), [(0, (0, 0)), (90, (50, 0)), (180, (100, 50)), (270, (0, 100)), (-90, (0, 100))]
)
def test_turned_clockwise_the_upper_left_corner_goes_round(degrees: float, corner: tuple[float, float]) -> None:
    assert Affine.turned(degrees, 100, 50).of((0, 0)) == corner


@given(st.floats(-45, 45), st.floats(10, 999), st.floats(10, 999))
def test_a_turned_image_begins_at_the_corner(degrees: float, width: float, height: float) -> None:
    left, top, _, _ = Affine.turned(degrees, width, height).of_box((0, 0, width, height))
    assert (left, top) == pytest.approx((0, 0), abs=1e-6)


def test_only_mirrors_have_a_determinant_below_zero() -> None:
    assert Affine(a=-1, c=9).determinant < 0
    assert Affine.turned(200, 9, 9).determinant > 0


@pytest.mark.parametrize("orientation", range(1, 9))
def test_upright_is_what_pillow_makes_of_it(orientation: int) -> None:
    stored = Image.frombytes("L", (3, 2), bytes(range(6)))
    stored.getexif()[0x0112] = orientation
    seen, way = ImageOps.exif_transpose(stored), Affine.upright(orientation, 3, 2)
    for x in range(3):
        for y in range(2):
            found_x, found_y = way.of((x + 0.5, y + 0.5))
            assert seen.getpixel((int(found_x), int(found_y))) == stored.getpixel((x, y))
