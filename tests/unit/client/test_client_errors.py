"""What an error says, and which exit code a run gives."""

import pytest

from client.errors import (
    AnswerTimeout,
    ConnectError,
    ConnectionLost,
    ImageFailed,
    NoImages,
    OcrClientError,
    ResultNotSaved,
    closing,
    exit_code,
)
from settings.command_line import Exit


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (ConnectError("no gateway"), Exit.NO_GATEWAY),
        (ConnectionLost("broken"), Exit.CONNECTION_LOST),
        (NoImages("empty"), Exit.NO_IMAGES),
        (ImageFailed("a.png", "failed"), Exit.IMAGE_FAILED),
        (AnswerTimeout("a.png", "late"), Exit.IMAGE_FAILED),
        (ResultNotSaved("a.png", "there already"), Exit.IMAGE_FAILED),
    ],
)
def test_every_error_has_its_exit_code(error: OcrClientError, code: Exit) -> None:
    assert error.exit_code == code


def test_of_several_the_worst_counts() -> None:
    assert exit_code(set()) == Exit.OK
    assert exit_code({Exit.IMAGE_FAILED}) == Exit.IMAGE_FAILED
    assert exit_code({Exit.IMAGE_FAILED, Exit.CONNECTION_LOST}) == Exit.CONNECTION_LOST
    assert exit_code({Exit.IMAGE_FAILED, Exit.CONNECTION_LOST, Exit.NO_GATEWAY}) == Exit.NO_GATEWAY


@pytest.mark.parametrize(
    ("code", "sentence"),
    [
        (4000, "idle"),
        (4001, "same ClientUUID"),
        (1001, "going away"),
        (1008, "token_file"),
        (1009, "too large"),
        (1013, "Try again later"),
        (4321, "has ended the connection"),
    ],
)
def test_every_close_code_is_told_in_words_with_the_reason_of_the_gateway(code: int, sentence: str) -> None:
    lost = closing(code, "its own words")
    assert sentence in str(lost)
    assert f"({code}: its own words)" in str(lost)
    assert lost.close_code == code
