"""Which tests of the sample project are run with Horarium. With Celery all of them are."""

from __future__ import annotations

from pathlib import Path

PROJECT = Path(__file__).parent / "sample"
ALL = sorted(path.name for path in (PROJECT / "tests").glob("test_*.py"))

# What drop-in mode does not pass yet: a file of tests -> what it waits for. Deleting a line switches the file on; a
# single test stands as file::test.
NOT_YET: dict[str, str] = {
    "test_sample_control.py": "app.control.ping and app.control.inspect",
}
