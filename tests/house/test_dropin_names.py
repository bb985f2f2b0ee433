"""The table of Celery's names promises only what is there: imports are rewritten by it."""

from __future__ import annotations

from importlib import import_module

from horarium.dropin_names import MODULES, home_of


def test_every_home_is_there_and_has_the_names_that_it_is_said_to_have() -> None:
    missing = []
    for theirs, home in MODULES.items():
        if home.module.startswith("horarium.contrib.django."):
            continue  # only in a Django project can they be imported: see test_beat_names.py in tests/contrib/suite
        try:
            module = import_module(home.module)
        except ModuleNotFoundError:
            missing.append(home.module)
            continue
        missing += [f"{home.module}.{name}" for name in sorted(home.names or ()) if not hasattr(module, name)]
        assert home_of(theirs) == home.module
    assert missing == []
