"""The report, for people and for programs."""

import json

from benchmarks.figures import Curve, Figure, Reach
from benchmarks.report import as_json, curves_of, text

MACHINE = {"cores": "2", "CPU": "a fast one", "RabbitMQ": ""}
FIGURES = [
    Figure("words", "/s", [400.0, 440.0, 420.0], Reach(0.7), [600.0, 600.0, 600.0], "in-process limit", "raw bodies"),
    Figure("added latency", "ms", [2.0], Reach(3, is_most=True)),
]
CURVE = Curve("latency", "load, words/s", "ms", {"p50": [(10, 2), (20, 3)], "p99": [(10, 5)]}, (10, "knee"), "why")


def test_a_person_sees_machine_figures_ratios_bounds_and_verdicts() -> None:
    lines = text(MACHINE, [*FIGURES, CURVE]).splitlines()
    assert lines[:2] == ["- cores: 2", "- CPU: a fast one"]
    (words,) = (line for line in lines if line.startswith("| words"))
    cells = [cell.strip() for cell in words.strip("|").split("|")]
    assert cells == [
        *("words", "420 /s (400 to 440)", "in-process limit: 600 /s", "0.7 (0.667 to 0.733)", "at least 0.7", "reached")
    ]
    (latency,) = (line for line in lines if line.startswith("| added latency"))
    assert [cell.strip() for cell in latency.strip("|").split("|")] == [
        "added latency",
        "2 ms",
        "",
        "",
        "at most 3",
        "reached",
    ]
    assert "- words: raw bodies" in lines


def test_a_curve_is_a_table_with_a_gap_where_a_line_has_no_point() -> None:
    lines = text({}, [CURVE]).splitlines()
    assert "latency: ms, by load, words/s; knee at 10" in lines
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines if line.startswith("|")]
    assert rows == [["load, words/s", "p50", "p99"], ["---"] * 3, ["10", "2", "5"], ["20", "3", ""]]
    assert lines[-1] == "why"


def test_the_json_has_every_round_and_every_point() -> None:
    found = json.loads(json.dumps(as_json(MACHINE, [*FIGURES, CURVE])))
    assert found["machine"] == MACHINE
    words, latency = found["figures"]
    assert words["rounds"] == [400, 440, 420]
    assert words["baseline"] == [600, 600, 600]
    assert words["ratio"] == 0.7
    assert words["reach"] == {"bound": 0.7, "is_most": False}
    assert words["is_reached"] is True
    assert latency["baseline"] == []
    assert latency["ratio"] is None
    assert found["curves"][0]["lines"]["p50"] == [[10, 2], [20, 3]]


def test_what_was_saved_can_be_drawn() -> None:
    saved = json.loads(json.dumps(as_json(MACHINE, [*FIGURES, CURVE])))
    assert curves_of(saved) == [CURVE]
