"""What a run of the chaos suite has found, one line per row and store, in run/chaos/report.jsonl (or $CHAOS_REPORT).

Run as a program it prints the newest line of each as the table of docs/chaos.md.
"""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path
from typing import Any

import history
import msgspec

ROOT = Path(__file__).parents[2]


def path() -> Path:
    return Path(os.environ.get("CHAOS_REPORT", ROOT / "run" / "chaos" / "report.jsonl"))


def note(row: str, store: str, facts: dict[str, Any]) -> None:
    """Write down and print what a test has found; one write, so that tests may run side by side."""
    line = {"row": row, "store": store, "at": round(time.time()), **facts}
    path().parent.mkdir(parents=True, exist_ok=True)
    history.append(path(), msgspec.json.encode(line).decode())
    print(line)


def table() -> str:
    newest: dict[tuple[int, str, str], dict[str, Any]] = {}
    for text in path().read_text().splitlines():
        line = msgspec.json.decode(text)
        number = int("".join(filter(str.isdigit, line["row"].split()[0])) or 0)
        newest[number, line["row"], line["store"]] = line
    rows = [
        "| row | store | work went on after (s) | runs judged | calls that failed meanwhile |",
        "|---|---|---|---|---|",
    ]
    for (_, row, store), line in sorted(newest.items()):
        took = ", ".join(f"{what} {seconds:.1f}" for what, seconds in line.get("recovered", {}).items())
        rows.append(f"| {row} | {store} | {took} | {line.get('runs', '')} | {line.get('failed calls', '')} |")
    return "\n".join(rows)


if __name__ == "__main__":
    sys.stdout.write(table() + "\n")
