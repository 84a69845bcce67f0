"""The table at the end of a storm."""

import statistics
from collections.abc import Sequence

from tests.storm.clients import Count
from tests.storm.schedule import Kind


def recovery(faults: Sequence[tuple[Kind, float]], answers: Sequence[float]) -> dict[Kind, list[float]]:
    """Seconds from each fault to the next answer that any client got. Times on one clock.

    Faults after which no answer came, because there was none to come, are left out.
    """
    found: dict[Kind, list[float]] = {kind: [] for kind in Kind}
    for kind, at in faults:
        later = [answer - at for answer in answers if answer >= at]
        if later:
            found[kind].append(min(later))
    return found


def table(count: Count, faults: Sequence[tuple[Kind, float]], answers: Sequence[float]) -> list[str]:
    """Lines of Markdown."""
    seconds = recovery(faults, answers)
    counted = (count.sent, count.accepted, count.answered, count.lost, count.repeated, count.wrong, count.late)
    lines = [
        "| sent | accepted | answered | lost | repeated | wrong | late |",
        "|---:|---:|---:|---:|---:|---:|---:|",
        f"| {' | '.join(map(str, counted))} |",
        "",
        "| fault | times | next answer after: median | longest |",
        "|---|---:|---:|---:|",
    ]
    for kind in Kind:
        times = sum(one is kind for one, _ in faults)
        found = seconds[kind]
        shown = f"{statistics.median(found):.2f} s | {max(found):.2f} s" if found else "- | -"
        lines.append(f"| {kind} | {times} | {shown} |")
    return lines
