"""The system's browser, for all tests that open pages, and which pictures of them are to be taken."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Browser, sync_playwright

IMAGES = Path(__file__).parents[1] / "docs" / "images"
NAMES = ("chromium", "chromium-browser", "google-chrome")


def chromium() -> str:
    """Return the path of the system's browser; skip the test, or fail it in CI, where there is none."""
    found = next((path for name in NAMES if (path := shutil.which(name))), None)
    if found is None:
        tell = pytest.fail if os.environ.get("CI") else pytest.skip
        tell("chromium is not installed; with Debian: apt-get install chromium")
    return found


@contextmanager
def started_browser() -> Iterator[Browser]:
    """Start the system's browser without a window."""
    with sync_playwright() as playwright:
        # In a container there is no second user to sandbox it for.
        browser = playwright.chromium.launch(executable_path=chromium(), args=["--no-sandbox"])
        try:
            yield browser
        finally:
            browser.close()


def wanted(name: str) -> Path | None:
    """Return where a picture is to be written, if anywhere."""
    if folder := os.environ.get("SCREENSHOTS"):
        return Path(folder) / name
    kept = IMAGES / name
    return kept if os.environ.get("UPDATE_SCREENSHOTS") == "1" and kept.exists() else None
