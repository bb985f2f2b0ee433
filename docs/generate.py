"""Write the reference pages that are made from the code: ``python docs/generate.py``.

``PAGES`` says which page is made by which function; a house test fails when a page is not what its function gives.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))  # the house tests load this file by its path

from pages.api import api_page  # noqa: E402
from pages.commands import commands_page  # noqa: E402
from pages.coverage import coverage_page  # noqa: E402
from pages.decisions import decisions_page  # noqa: E402
from pages.errors import errors_page  # noqa: E402
from pages.events import events_page  # noqa: E402
from pages.metrics import metrics_page  # noqa: E402
from pages.python import python_page  # noqa: E402
from pages.remote import remote_page  # noqa: E402
from pages.settings import settings_page  # noqa: E402

PAGES: dict[Path, Callable[[], str]] = {
    HERE / "reference" / "settings.md": settings_page,
    HERE / "reference" / "commands.md": commands_page,
    HERE / "reference" / "errors.md": errors_page,
    HERE / "reference" / "events.md": events_page,
    HERE / "reference" / "remote-control.md": remote_page,
    HERE / "reference" / "api.md": api_page,
    HERE / "reference" / "metrics.md": metrics_page,
    HERE / "reference" / "python.md": python_page,
    HERE / "decisions" / "README.md": decisions_page,
    HERE / "seeds-coverage.md": coverage_page,
}


def main() -> None:
    """Write every page that differs from what it should be."""
    for path, make in PAGES.items():
        text = make()
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            path.write_text(text, encoding="utf-8")
            print(f"written: {path}")


if __name__ == "__main__":
    main()
