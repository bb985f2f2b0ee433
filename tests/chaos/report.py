"""What a run of the chaos suite has found, one line per row and store, in run/chaos/report.jsonl (or $CHAOS_REPORT).

Run as a program it prints the newest line of each as the table of docs/chaos.md.
"""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path
from typing import Any

import msgspec

ROOT = Path(__file__).parents[2]


def path() -> Path:
    return Path(os.environ.get("CHAOS_REPORT", ROOT / "run" / "chaos" / "report.jsonl"))


def note(row: str, store: str, facts: dict[str, Any]) -> None:
    """Write down and print what a test has found; one write, so that tests may run side by side."""
    test = os.environ.get("PYTEST_CURRENT_TEST", "").rpartition(" ")[0].partition("[")[0]
    line = {"row": row, "test": test, "store": store, "at": round(time.time()), **facts}
    path().parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(path(), os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
    try:
        os.write(descriptor, msgspec.json.encode(line) + b"\n")
    finally:
        os.close(descriptor)
    print(line)


def table() -> str:
    """Return one line per row of the matrix: its test, and the longest time that work took to go on, by store."""
    newest: dict[tuple[int, str, str], dict[str, dict[str, Any]]] = {}
    for text in path().read_text().splitlines():
        line = msgspec.json.decode(text)
        number = int("".join(filter(str.isdigit, line["row"].split()[0])) or 99)
        newest.setdefault((number, line["row"], line["test"]), {})[line["store"]] = line
    rows = ["| row | test | work went on after (s) |", "|---|---|---|"]
    for (_, row, test), by_store in sorted(newest.items()):
        told = (f"{store} {_longest(line)}" for store, line in sorted(by_store.items()))
        rows.append(f"| {row} | `{test}` | {', '.join(told)} |")
    return "\n".join(rows)


def _longest(line: dict[str, Any]) -> str:
    recovered = line.get("recovered", {}).values()
    return f"{max(recovered):.1f}" if recovered else "-"


if __name__ == "__main__":
    sys.stdout.write(table() + "\n")
