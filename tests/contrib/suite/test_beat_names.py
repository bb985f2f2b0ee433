"""The table of names promises only what is there, of Django's modules too."""

from __future__ import annotations

from importlib import import_module

import pytest

from horarium.dropin.facade import is_there
from horarium.dropin_names import MODULES

HOMES = {theirs: home for theirs, home in MODULES.items() if home.module.startswith("horarium.contrib.django.")}


@pytest.mark.once
@pytest.mark.parametrize("theirs", sorted(theirs for theirs, home in HOMES.items() if is_there(home.module)))
def test_a_home_has_the_names_that_it_is_said_to_have(theirs: str) -> None:
    home = HOMES[theirs]
    module = import_module(home.module)
    submodules = {name.rpartition(".")[2] for name in HOMES if name.startswith(f"{theirs}.")}  # a page may come later
    missing = [name for name in (home.names or set()) - submodules if not hasattr(module, name)]
    assert missing == [] or all(is_there(f"{home.module}.{name}") for name in missing)
