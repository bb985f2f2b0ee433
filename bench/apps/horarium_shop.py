"""A shop whose store is large: the app of ``python -m bench.dashboard`` and ``python -m bench.keeping``."""

from __future__ import annotations

import logging
import os

from horarium import Horarium
from horarium.worker.scorer import Scorer

TALKATIVE = 5  # lines

app = Horarium("shop", store=os.environ["BENCH_STORE"])
if "BENCH_OUTPUT_LIMIT" in os.environ:
    app.conf.worker_output_limit = int(os.environ["BENCH_OUTPUT_LIMIT"])
if "BENCH_WITHOUT_SERIES" in os.environ:
    for name in ("note_settled", "note_end", "note_attempt", "note", "read", "add"):
        setattr(Scorer, name, lambda *_, **__: None)
log = logging.getLogger("shop")


@app.task(name="shop.quick")
def quick() -> None:
    return None


@app.task(name="shop.talkative")
def talkative() -> None:
    """Print and log as a task does that is looked after; half of it goes the one way, half the other."""
    for number in range(TALKATIVE):
        if number % 2:
            print(f"order {number} is charged")
        else:
            log.warning("order %d waits for the gateway", number)
