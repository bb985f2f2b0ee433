"""Run as a program: ``run_worker``, whose first children claim nothing, ever, and look well all the same.

``ERRANDS_DEAF`` is a folder; each child that finds a place in it is deaf. It has as many places as there are slots.
"""

from __future__ import annotations

import os
import runpy
from pathlib import Path
from typing import Any

from horarium.engines.sqlite.queue import SqliteQueue

claim = SqliteQueue.claim
PLACES = Path(os.environ["ERRANDS_DEAF"])


def claim_or_be_deaf(self: SqliteQueue, *args: Any, **options: Any) -> Any:  # Any: as Queue.claim
    deaf = {place.read_text() for place in PLACES.glob("deaf-*")}
    vacant = next(PLACES.glob("vacant-*"), None)
    if vacant is not None and str(os.getpid()) not in deaf:
        taken = vacant.rename(vacant.with_name(vacant.name.replace("vacant", "deaf")))
        taken.write_text(str(os.getpid()))
        deaf.add(str(os.getpid()))
    return [] if str(os.getpid()) in deaf else claim(self, *args, **options)


SqliteQueue.claim = claim_or_be_deaf  # type: ignore[method-assign]
runpy.run_path(str(Path(__file__).with_name("run_worker.py")), run_name="__main__")
