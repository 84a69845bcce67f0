"""What counts as lost, repeated and wrong: a storm that could not fail would show nothing."""

from tests.storm.clients import ANSWER_TIMEOUT, Answered, Count, StormClient, count

NOBODY = 1  # a port where nobody listens; these clients are never started


def counted(*answered: Answered, error: Exception | None = None) -> Count:
    """Of a client with two images."""
    client = StormClient(NOBODY, 3, 2)
    client.sent, client.answered, client.error = 2, list(answered), error
    return count([client])


def answer(image: int, text: str | None, seconds: float = 1.0) -> Answered:
    sentence = "" if text else "Reading the image took longer than allowed."
    return Answered(f"Client 3 image {image}", text, sentence, is_accepted=True, sends=1, seconds=seconds, at=0.0)


FIRST, SECOND = answer(1, "Client 3 image 1"), answer(2, "Client 3 image 2")


def test_each_image_with_its_own_text_is_flawless() -> None:
    found = counted(FIRST, SECOND)
    assert found.is_flawless
    assert (found.sent, found.accepted, found.answered, found.complaints) == (2, 2, 2, ())


def test_an_image_without_an_answer_is_lost_and_the_clients_error_is_told() -> None:
    found = counted(FIRST, error=ConnectionError("gone"))
    assert (found.lost, found.answered, found.is_flawless) == (1, 1, False)
    assert "gone" in found.complaints[0]


def test_an_image_that_failed_is_lost_and_its_sentence_is_told() -> None:
    found = counted(FIRST, answer(2, None))
    assert (found.lost, found.is_flawless) == (1, False)
    assert "longer than allowed" in found.complaints[0]


def test_an_image_with_two_answers_is_repeated() -> None:
    found = counted(FIRST, SECOND, SECOND)
    assert (found.lost, found.repeated, found.is_flawless) == (0, 1, False)


def test_the_text_of_another_image_is_wrong() -> None:
    found = counted(FIRST, answer(2, "Client 4 image 2"))
    assert (found.wrong, found.is_flawless) == (1, False)
    assert "Client 4" in found.complaints[0]


def test_a_late_answer_is_noted_and_no_flaw() -> None:
    found = counted(FIRST, answer(2, "Client 3 image 2", ANSWER_TIMEOUT + 1))
    assert (found.late, found.is_flawless) == (1, True)
    assert "Client 3 image 2 took 31.0 s" in found.notes[0]
