"""How many CPUs this process may really use: its affinity, and its cgroup's quota (v1 and v2), whichever is less.

``os.cpu_count()`` counts the machine's; in a container with a quota of one CPU on a host of 64, 64 children would
only take turns.
"""

from __future__ import annotations

import math
import os
from pathlib import Path

PROC_CGROUP = Path("/proc/self/cgroup")
CGROUP_ROOT = Path("/sys/fs/cgroup")


def available_cpus(proc_cgroup: Path = PROC_CGROUP, root: Path = CGROUP_ROOT) -> int:
    """Return the number of CPUs that this process can keep busy, at least 1. Whatever cannot be read limits nothing."""
    quota = cgroup_quota(proc_cgroup, root)
    usable = _affinity()
    return max(1, usable if quota is None else min(usable, math.ceil(quota)))


def cgroup_quota(proc_cgroup: Path = PROC_CGROUP, root: Path = CGROUP_ROOT) -> float | None:
    """Return the CPUs' worth of time that the cgroup, or one above it, allows; None where there is no limit."""
    try:
        lines = proc_cgroup.read_text().splitlines()
    except OSError:
        return None
    quotas: list[float] = []
    for line in lines:
        number, controllers, path = line.split(":", 2)
        if number == "0":
            quotas += _quotas_v2(root, path)
        elif "cpu" in controllers.split(","):
            quotas += _quotas_v1(root / controllers, path) or _quotas_v1(root / "cpu", path)
    return min(quotas, default=None)


def _affinity() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _quotas_v2(root: Path, path: str) -> list[float]:
    found = []
    for folder in _upwards(root, path):
        words = _words(folder / "cpu.max")
        if len(words) == 2 and words[0] != "max":
            found.append(int(words[0]) / int(words[1]))
    return found


def _quotas_v1(root: Path, path: str) -> list[float]:
    found = []
    for folder in _upwards(root, path):
        quota, period = _words(folder / "cpu.cfs_quota_us"), _words(folder / "cpu.cfs_period_us")
        if quota and period and int(quota[0]) > 0:
            found.append(int(quota[0]) / int(period[0]))
    return found


def _upwards(root: Path, path: str) -> list[Path]:
    """The cgroup's folder and those above it. Inside a container the path may name a folder that only the host sees;
    then the mounted root is ours."""
    folder = root / path.lstrip("/")
    folders = [folder, *folder.parents]
    return folders[: folders.index(root) + 1]


def _words(path: Path) -> list[str]:
    try:
        return path.read_text().split()
    except OSError:
        return []
