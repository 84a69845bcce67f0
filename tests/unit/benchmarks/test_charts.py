"""What is drawn, and that it is the same each time."""

import importlib.util
import sys
from pathlib import Path

import pytest

from benchmarks.charts import TITLES, NoMatplotlib, draw
from benchmarks.figures import Curve

LATENCY = Curve("latency", "load, words/s", "ms", {"p50": [(10, 2), (20, 3)], "p99": [(10, 5), (20, 9)]}, (10, "knee"))
MEMORY = Curve("memory", "connections", "MiB", {"": [(0, 40), (10_000, 200)]})


def test_without_matplotlib_the_error_says_how_to_install_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(NoMatplotlib, match=r"pip install .*\[benchmarks\]"):
        draw([LATENCY], tmp_path)


@pytest.mark.skipif(importlib.util.find_spec("matplotlib") is None, reason="matplotlib is only there for who draws")
@pytest.mark.filterwarnings("default")  # matplotlib's own
def test_the_same_curves_give_the_same_small_files(tmp_path: Path) -> None:
    curves = [LATENCY, MEMORY, Curve("of no interest", "x", "y", {"a": [(1, 1)]})]
    written = [draw(curves, tmp_path / folder) for folder in ("once", "again")]
    assert [path.name for path in written[0]] == ["latency.svg", "memory.svg"]
    for once, again in zip(*written, strict=True):
        assert once.read_bytes() == again.read_bytes()
        assert once.stat().st_size < 50_000
    drawn = written[0][0].read_text("utf-8")
    for words in (TITLES["latency"], LATENCY.x, LATENCY.y, "knee", "p99"):
        assert words in drawn
    assert "<dc:date>" not in drawn
