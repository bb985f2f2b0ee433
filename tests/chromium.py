"""The system's browser, for all tests that open pages."""

from __future__ import annotations

import os
import shutil

import pytest

NAMES = ("chromium", "chromium-browser", "google-chrome")


def chromium() -> str:
    """Return the path of the system's browser; skip the test, or fail it in CI, where there is none."""
    found = next((path for name in NAMES if (path := shutil.which(name))), None)
    if found is None:
        tell = pytest.fail if os.environ.get("CI") else pytest.skip
        tell("chromium is not installed; with Debian: apt-get install chromium")
    return found
