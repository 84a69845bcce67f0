"""Ways from one image's coordinates to another's."""

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from PIL import Image, ImageOps

from ocr_server.outputs.projective import Projective

numbers = st.floats(-1000, 1000)
points = st.tuples(numbers, numbers)
parallel = st.one_of(
    st.builds(Projective.scaled, st.floats(0.1, 9), st.floats(0.1, 9)),
    st.builds(Projective.moved, numbers, numbers),
    st.builds(Projective.turned, st.floats(-360, 360), st.floats(1, 999), st.floats(1, 999)),
)
slopes = st.floats(-0.3, 0.3)
from_the_side = st.builds(Projective.levelled, slopes, st.floats(-3e-4, 3e-4), numbers)
ways = st.one_of(parallel, from_the_side)


@given(parallel, ways, points)
def test_one_way_then_another(first: Projective, second: Projective, point: tuple[float, float]) -> None:
    between = first.of(point)
    assume(abs(second.g * between[0] + second.i) > 0.1)  # nearly at infinity, nothing is exact
    assert first.then(second).of(point) == pytest.approx(second.of(between), rel=1e-6, abs=1e-6)


@given(ways, points)
def test_there_and_back(way: Projective, point: tuple[float, float]) -> None:
    assume(way.g * point[0] + way.i > 0.1)
    assert way.inverse().of(way.of(point)) == pytest.approx(point, abs=1e-6)


@pytest.mark.parametrize(
    ("degrees", "corner"), [(0, (0, 0)), (90, (50, 0)), (180, (100, 50)), (270, (0, 100)), (-90, (0, 100))]
)
def test_turned_clockwise_the_upper_left_corner_goes_round(degrees: float, corner: tuple[float, float]) -> None:
    assert Projective.turned(degrees, 100, 50).of((0, 0)) == corner


@given(st.floats(-45, 45), st.floats(10, 999), st.floats(10, 999))
def test_a_turned_image_begins_at_the_corner(degrees: float, width: float, height: float) -> None:
    left, top, _, _ = Projective.turned(degrees, width, height).of_box((0, 0, width, height))
    assert (left, top) == pytest.approx((0, 0), abs=1e-6)


@given(slopes, st.floats(-3e-4, 3e-4), st.floats(0, 999), st.floats(0, 999), st.floats(-999, 999))
def test_lines_that_run_towards_one_point_become_level(
    slope: float, change: float, x: float, y: float, along: float
) -> None:
    way = Projective.levelled(slope, change, x)
    assert way.of((x, y)) == pytest.approx((x, y))
    level = way.of((x + along, y + (slope + change * y) * along))
    assert level[1] == pytest.approx(y, abs=1e-6)
    assert (level[0] - x) * along >= 0 or abs(along) < 1e-9


@given(ways, points, points)
def test_an_arrow_goes_from_where_its_start_comes_to_lie_to_where_its_end_does(
    way: Projective, at: tuple[float, float], vector: tuple[float, float]
) -> None:
    end = (at[0] + vector[0], at[1] + vector[1])
    assume(min(way.g * x + way.i for x, _ in (at, end)) > 0.1)
    found, start = way.of_vector(vector, at), way.of(at)
    assert (start[0] + found[0], start[1] + found[1]) == pytest.approx(way.of(end), abs=1e-6)


@given(ways)
def test_only_mirrors_mirror(way: Projective) -> None:
    assume(way.i > 0.1)
    assert not way.mirrors
    assert way.then(Projective(a=-1, c=9)).mirrors
    assert Projective(e=-1, f=9).then(way).mirrors


@pytest.mark.parametrize("orientation", range(1, 9))
def test_upright_is_what_pillow_makes_of_it(orientation: int) -> None:
    stored = Image.frombytes("L", (3, 2), bytes(range(6)))
    stored.getexif()[0x0112] = orientation
    seen, way = ImageOps.exif_transpose(stored), Projective.upright(orientation, 3, 2)
    for x in range(3):
        for y in range(2):
            found_x, found_y = way.of((x + 0.5, y + 0.5))
            assert seen.getpixel((int(found_x), int(found_y))) == stored.getpixel((x, y))
