"""Limits are put on processes of the tests' own: they cannot be taken off again."""

import signal
import subprocess
import sys

import pytest

BEGIN = "import resource; from ocr_server import limits; "


def _run(program: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", BEGIN + program], capture_output=True, text=True, timeout=60)


def _printed(program: str) -> str:
    done = _run(program)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_a_process_leaves_no_core_and_has_bounds_on_files() -> None:
    shown = "; print([resource.getrlimit(one)[0] for one in (resource.RLIMIT_CORE, resource.RLIMIT_FSIZE)])"
    assert _printed("limits.restrict(0)" + shown) == f"[0, {512 * 1024**2}]"
    opened = "; files = [open('/dev/null') for _ in range(300)]"
    assert "Too many open files" in _run("limits.restrict(0)" + opened).stderr


def test_a_file_that_is_too_large_is_an_error_and_not_the_end() -> None:
    tried = """
import tempfile
with tempfile.TemporaryFile() as file:
    try:
        file.truncate(limits.FILE_SIZE + 1)
    except OSError as error:
        print(error.strerror)
"""
    assert _printed("limits.restrict(0)" + tried) == "File too large"


def test_memory_that_is_too_much_is_an_error() -> None:
    assert "MemoryError" in _run("limits.restrict(512 * 1024**2); bytes(600 * 1024**2)").stderr


def test_limits_that_are_lower_already_stay() -> None:
    lower = "resource.setrlimit(resource.RLIMIT_NOFILE, (100, 100)); limits.restrict(0)"
    assert _printed(lower + "; print(resource.getrlimit(resource.RLIMIT_NOFILE))") == "(100, 100)"


def test_the_log_may_grow_also_where_it_is_a_file_of_that_size_already(tmp_path: pytest.TempPathFactory) -> None:
    log = f"{tmp_path}/log"
    with open(log, "wb") as file:  # noqa: PTH123 - pathlib has no sparse files
        file.truncate(600 * 1024**2)
    with open(log, "ab") as file:  # noqa: PTH123
        program = BEGIN + "limits.restrict(0); print('a line', flush=True)"
        done = subprocess.run([sys.executable, "-c", program], stdout=file, stderr=subprocess.PIPE, timeout=60)
    assert done.stderr == b""


def test_an_image_that_uses_cpu_without_end_ends_the_process() -> None:
    done = _run("""limits.CPU_MARGIN = 0.1
with limits.cpu_time(0.1):
    while True:
        pass
""")
    assert done.returncode == -signal.SIGXCPU


def test_between_images_there_is_no_limit_on_cpu_time() -> None:
    shown = "resource.getrlimit(resource.RLIMIT_CPU)"
    assert (
        _printed(f"""import time
before = {shown}
with limits.cpu_time(10):
    assert 80 <= {shown}[0] <= 81 + time.process_time(), {shown}
    assert {shown}[1] == before[1]
print({shown} == before)
""")
        == "True"
    )
