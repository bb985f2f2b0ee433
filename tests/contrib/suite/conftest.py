"""The suite runs where Horarium is not installed but on the path, too: then its plugin is named here."""

import pytest


def pytest_configure(config: pytest.Config) -> None:
    if not config.pluginmanager.has_plugin("horarium"):
        config.pluginmanager.import_plugin("horarium.testing.plugin")
