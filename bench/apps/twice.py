"""`python -m bench.apps.twice MODULE ARGUMENTS`: run a module in two processes, for workers that know only one.

What such a library's documentation leaves to a process manager. It restarts nothing.
"""

from __future__ import annotations

import signal
import subprocess
import sys

PROCESSES = 2


def main() -> None:
    workers = [subprocess.Popen([sys.executable, "-m", *sys.argv[1:]]) for _ in range(PROCESSES)]

    def end(number: int, frame: object) -> None:
        for worker in workers:
            worker.terminate()

    signal.signal(signal.SIGTERM, end)
    for worker in workers:
        worker.wait()


if __name__ == "__main__":
    main()
