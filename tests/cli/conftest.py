"""A small shop whose command line runs in this process, over a store that the test can look into."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from shop_words import SHOP, Shop

from horarium import dropin
from horarium.app import shared


@pytest.fixture(autouse=True)
def no_dropin_mode(monkeypatch: pytest.MonkeyPatch) -> None:
    """A command line of Celery's that runs in this process leaves the mode on, for itself and its children."""
    monkeypatch.setenv("HORARIUM_DROPIN", "0")
    dropin.uninstall()


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Shop]:
    module = f"shop_of_{tmp_path.name.replace('-', '_')}"
    (tmp_path / f"{module}.py").write_text(SHOP)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    monkeypatch.setattr(shared, "shared_tasks", [])  # what other tests have declared for every app
    for name in ("HORARIUM_APP", "HORARIUM_STORE", "CELERY_APP", "NO_COLOR"):
        monkeypatch.delenv(name, raising=False)
    app = importlib.import_module(module).app
    yield Shop(module, app)
    app.close()
    del sys.modules[module]
