"""Work by the processor's clock: waiting for the processor is none."""

import threading
import time

import pytest

from ocr_server.work_clock import WAITING, Stretch, of_main_thread


def test_a_stretch_counts_work_and_a_tenth_of_waiting() -> None:
    worked, waited = [3.0], [100.0]
    stretch = Stretch(lambda: worked[0], lambda: waited[0])
    worked[0], waited[0] = 5.0, 100.0 + 2.0
    assert stretch.seconds() == 2.0
    waited[0] = 100.0 + 4 * WAITING
    assert stretch.seconds() == 4.0


@pytest.mark.skipif(not hasattr(time, "pthread_getcpuclockid"), reason="this system does not tell")
def test_another_thread_sees_the_main_thread_work_and_not_its_own() -> None:
    clock = of_main_thread()
    until = time.thread_time() + 0.2
    while time.thread_time() < until:
        pass
    seen = list[float]()

    def look() -> None:
        begun, own = clock(), time.thread_time() + 0.1
        while time.thread_time() < own:
            pass
        seen.extend((begun, clock()))

    thread = threading.Thread(target=look)
    thread.start()
    thread.join()
    before, after = seen
    assert before >= 0.2
    assert after - before < 0.05
