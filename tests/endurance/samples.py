"""What an endurance run looks at, and what flat means. Reads /proc: Linux only."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

BASE: Final = 2000
"""Images after which everything has been loaded and filled that ever is: later samples are compared with this one."""

MOST_GROWTH: Final = 0.10
"""Part by which a process's memory may grow after BASE."""

MOST_FILES_MORE: Final = 8
"""Files and sockets more than at BASE: the client's connections come and go."""


@dataclass(frozen=True)
class Sample:
    """The state of a stack after so many answers. memory: resident bytes by process; files: open ones by process.

    messages: in all queues together.
    """

    answered: int
    memory: Mapping[str, int]
    files: Mapping[str, int]
    queues: int
    messages: int


def memory_of(pid: int) -> int:
    """Resident memory in bytes; what is shared with other programs counts in full, so that these do not change it."""
    for line in Path(f"/proc/{pid}/status").read_text("ascii").splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) * 1024
    raise ProcessLookupError(pid)


def files_of(pid: int) -> int:
    """How many files and sockets a process has open."""
    return len(list(Path(f"/proc/{pid}/fd").iterdir()))


def complaints(samples: Sequence[Sample]) -> list[str]:
    """What is not flat between the sample at BASE and the last one; in sentences."""
    base = next(sample for sample in samples if sample.answered >= BASE)
    last = samples[-1]
    found = []
    for name, before in base.memory.items():
        growth = last.memory[name] / before - 1
        if growth > MOST_GROWTH:
            found.append(f"the memory of {name} has grown by {growth:.0%} since image {base.answered}")
    for name, count in base.files.items():
        if last.files[name] > count + MOST_FILES_MORE:
            found.append(f"{name} has {last.files[name]} files open, {count} at image {base.answered}")
    if last.queues > base.queues:
        found.append(f"there are {last.queues} queues, {base.queues} at image {base.answered}")
    return found


def table(samples: Sequence[Sample]) -> list[str]:
    """Lines of Markdown: memory in MiB and open files of each process, queues, messages; from BASE on, the growth."""
    names = list(samples[0].memory)
    lines = [
        f"| images | {' | '.join(names)} | queues | messages |",
        f"|---:|{'---:|' * len(names)}---:|---:|",
    ]
    lines += [_row(sample, names) for sample in samples]
    base = next((sample for sample in samples if sample.answered >= BASE), None)
    if base is None:
        return lines
    growth = [f"{samples[-1].memory[name] / base.memory[name] - 1:+.1%}" for name in names]
    return [*lines, f"| last to {base.answered} | {' | '.join(growth)} | | |"]


def _row(sample: Sample, names: Sequence[str]) -> str:
    cells = [f"{sample.memory[name] / 2**20:.1f} MiB, {sample.files[name]} files" for name in names]
    return f"| {sample.answered} | {' | '.join(cells)} | {sample.queues} | {sample.messages} |"
