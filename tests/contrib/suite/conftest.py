"""The suite runs on environments in which Horarium is not installed, only on the path: then its plugin is named here."""

import pytest


def pytest_configure(config: pytest.Config) -> None:
    if not config.pluginmanager.has_plugin("horarium"):
        config.pluginmanager.import_plugin("horarium.testing.plugin")
