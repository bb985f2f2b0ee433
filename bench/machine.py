"""What the figures were taken on: they mean little without it."""

from __future__ import annotations

import os
import platform
import statistics
import time
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import psutil  # type: ignore[import-untyped]

FSYNC_PROBES = 50


def facts(directory: Path) -> dict[str, str]:
    """Tell processor, kernel, Python, and what holds the stores."""
    return {
        "cpu": f"{_processor()}, {len(os.sched_getaffinity(0))} cores for us",
        "kernel": f"{platform.system()} {platform.release()}",
        "python": f"{platform.python_implementation()} {platform.python_version()}",
        "horarium": _version("horarium"),
        "stores in": f"{directory} ({_filesystem(directory)})",
    }


def pulse(directory: Path) -> str:
    """Tell how busy processors and disk are just now: both change under our hands."""
    took = _fsyncs_ms(directory)
    disk = f"{statistics.median(took):.2f} ms (worst of {FSYNC_PROBES}: {max(took):.1f} ms)"
    return f"load {os.getloadavg()[0]:.2f}, write and fsync of 4 KiB in {disk}"


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"


def _filesystem(directory: Path) -> str:
    mounts = [part for part in psutil.disk_partitions(all=True) if directory.is_relative_to(part.mountpoint)]
    return str(max(mounts, key=lambda part: len(part.mountpoint)).fstype) if mounts else "unknown"


def _fsyncs_ms(directory: Path) -> list[float]:
    probe = directory / "fsync-probe"
    took = []
    with probe.open("wb", buffering=0) as file:
        for _ in range(FSYNC_PROBES):
            began = time.perf_counter()
            file.write(b"x" * 4096)
            os.fsync(file.fileno())
            took.append((time.perf_counter() - began) * 1000.0)
    probe.unlink()
    return took
