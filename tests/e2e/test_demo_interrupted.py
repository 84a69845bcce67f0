"""`script/demo` and Ctrl-C at the moments when the one who gets it is a short run of Python."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.absent import skip_loudly
from tests.running import ROOT

SECONDS = 120
pytestmark = pytest.mark.timeout(SECONDS + 60)

INTERRUPTED_HERE = """
import os, signal, sys

if {words!r} in " ".join(sys.orig_argv):
    os.killpg(0, signal.SIGINT)
"""
"""Python runs it before all else (its documentation, `site`). A terminal's Ctrl-C goes to the whole group too."""

IN_A_GROUP_OF_ITS_OWN = """
import os, signal, sys

signal.signal(signal.SIGINT, signal.SIG_DFL)  # bash cannot trap what it was started to ignore
os.setsid()
os.execv(sys.argv[1], sys.argv[1:])
"""


@pytest.mark.parametrize("words", ["-m client --output results --help", "urlsplit(os.environ"])
def test_ctrl_c_ends_the_demo_without_a_traceback(words: str, tmp_path: Path, pytestconfig: pytest.Config) -> None:
    if Path(sys.prefix) != ROOT / ".venv":
        skip_loudly("a .venv of script/bootstrap that the tests run in", pytestconfig)
    (tmp_path / "sitecustomize.py").write_text(INTERRUPTED_HERE.format(words=words))
    demo = [str(ROOT / "script" / "demo"), "--broker", "amqp://127.0.0.1:1/"]
    ended = subprocess.run(
        [sys.executable, "-S", "-c", IN_A_GROUP_OF_ITS_OWN, *demo],
        env={"PATH": "/usr/local/bin:/usr/bin:/bin", "PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    assert (ended.returncode, ended.stderr) == (130, "")
