"""What an app takes from the environment: the store's addresses, and where its configuration is.

The command line reads everything else. These few are read here because a web process, which never sees the command
line, must send to the same store as the workers that do (docs/decisions/0014). They are read when the app is
first used, never at import.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from horarium.address import masked, read_store
from horarium.errors import InvalidSetting
from horarium.settings_celery import URLS

# Each by ours, then Celery's.
STORE = ("HORARIUM_STORE", "CELERY_BROKER_URL")
RESULTS = ("HORARIUM_RESULT_BACKEND", "CELERY_RESULT_BACKEND")
CONFIGURATION = ("HORARIUM_CONFIG_MODULE", "CELERY_CONFIG_MODULE")
READ, WRITE = "CELERY_BROKER_READ_URL", "CELERY_BROKER_WRITE_URL"


def named_settings(environ: Mapping[str, str] | None = None) -> dict[str, Any]:
    """Return the settings that the environment names. An empty variable names nothing.

    Raises: InvalidSetting when two of the variables for the store differ.
    """
    environ = os.environ if environ is None else environ
    found: dict[str, Any] = {}
    store = _first(environ, STORE)
    for variable, setting in ((WRITE, "broker_write_url"), (READ, "broker_read_url")):
        address = environ.get(variable)
        if address and store is not None and not _is_same(address, store):
            raise InvalidSetting(variable, "the address of the one store", masked(address), URLS[setting])
        store = store or address or None
    if store is not None:
        found["store"] = store
    results = _first(environ, RESULTS)
    if results is not None:
        found["result_backend"] = results
    return found


def configuration_module(environ: Mapping[str, str] | None = None) -> str | None:
    """Return the module that the environment names as the configuration of apps that name none."""
    return _first(os.environ if environ is None else environ, CONFIGURATION)


def variable(name: str) -> str | None:
    """Return a variable of the environment by its name; one that is empty is as good as none."""
    return os.environ.get(name) or None


def _first(environ: Mapping[str, str], names: tuple[str, ...]) -> str | None:
    return next((environ[name] for name in names if environ.get(name)), None)


def _is_same(one: str, other: str) -> bool:
    try:
        return read_store(one) == read_store(other)
    except ValueError:  # the settings will say what is wrong with it
        return one == other
