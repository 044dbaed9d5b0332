"""Count the cores that this process may use: its affinity and its container's share, no more.

``os.cpu_count`` counts the machine's. A container that may use two of 64 would start 64 threads,
each with a clip in memory, and they would wait for each other.
"""

from __future__ import annotations

import os
from pathlib import Path

# Where Linux says which control group this process is in, and where the groups are.
OWN_GROUP = Path("/proc/self/cgroup")
GROUPS = Path("/sys/fs/cgroup")
# More threads than this that each hold a clip read no faster, and take memory for every one.
MOST_READERS = 16


def cores() -> int:
    """Count the cores at hand, 1 or more."""
    return min(_allowed(), _quota() or _allowed())


def readers() -> int:
    """Count the threads to read and score clips by: one a core, up to ``MOST_READERS``.

    Memory grows with each, so that on a machine of many cores it does not with the cores.
    """
    return min(cores(), MOST_READERS)


def _allowed() -> int:
    """Count the cores of the affinity mask; all where the system keeps none."""
    if hasattr(os, "sched_getaffinity"):
        return max(len(os.sched_getaffinity(0)), 1)
    return os.cpu_count() or 1


def _quota() -> int | None:
    """Read how many cores' time the control group grants, rounded up; None without a limit.

    A group has no more than any group above it.
    """
    limits = [limit for folder in _folders() for limit in [_limit_of(folder)] if limit is not None]
    return min(limits, default=None)


def _folders() -> list[Path]:
    """List the folders of the process's control group and of those above it, of either version."""
    try:
        lines = OWN_GROUP.read_text().splitlines()
    except (OSError, UnicodeDecodeError):
        return [GROUPS, GROUPS / "cpu"]
    folders = []
    for line in lines:
        _, _, rest = line.partition(":")
        controllers, _, name = rest.partition(":")
        if controllers and "cpu" not in controllers.split(","):
            continue
        root = GROUPS / controllers if controllers else GROUPS
        own = root / name.strip("/")
        # In a container the name is often that of the host: only the root is to be seen then.
        folders += [own, *(above for above in own.parents if above.is_relative_to(root))]
    return [*folders, GROUPS / "cpu"]


def _limit_of(folder: Path) -> int | None:
    """Read a group's own limit in whole cores, rounded up."""
    try:
        if (folder / "cpu.max").exists():
            quota, period = (folder / "cpu.max").read_text().split()
        else:
            quota = (folder / "cpu.cfs_quota_us").read_text()
            period = (folder / "cpu.cfs_period_us").read_text()
        # "max" in the second version, -1 in the first: no limit.
        return max(-(-int(quota) // int(period)), 1) if int(quota) > 0 else None
    except (OSError, ValueError, ZeroDivisionError):
        return None
