"""Letters are told apart by what is joined in their ink; grain is not looked at piece by piece."""

from PIL import Image

from ocr_server.preprocess.joined import spans_of_joined


def test_pieces_that_share_columns_are_told_apart() -> None:
    ink = Image.new("L", (60, 30))
    ink.paste(255, (0, 0, 20, 10))
    ink.paste(255, (12, 20, 50, 30))  # under the first
    ink.paste(255, (54, 5, 60, 25))
    assert spans_of_joined(ink) == [(0, 20), (12, 50), (54, 60)]


def test_more_pieces_than_columns_are_grain() -> None:
    grain = Image.new("L", (20, 40))
    grain.putdata([255 * (x % 2 == y % 2 == 0) for y in range(40) for x in range(20)])
    assert spans_of_joined(grain) == [(0, 20)]
