"""Run as a program: calls tasks of all kinds until told to stop, and keeps account of each call.

``python producer.py NAME SEED`` writes ``invoke TOKEN`` before a call, and after it ``ok TOKEN ID`` or, when it raised,
``unknown TOKEN``. It may be killed at any moment: what was invoked and not answered is unknown.
"""

from __future__ import annotations

import os
import random
import signal
import sys
import time
from collections.abc import Iterator
from itertools import count

import history
from victims import app, flaky, follow, nap, short

from horarium.errors import HorariumError

CALLS = os.environ["CRASH_CALLS"]
PACE = float(os.environ.get("CRASH_PACE", "0.05"))  # seconds between two rounds, on average


def main(name: str, seed: int) -> None:
    chance = random.Random(seed)
    stopping: list[int] = []
    signal.signal(signal.SIGTERM, lambda number, frame: stopping.append(number))
    tokens = (f"{name}-{os.getpid()}-{n}" for n in count())
    while not stopping:
        try:
            produce(chance, tokens)
        except HorariumError:
            history.append(CALLS, f"failed {name}")
        time.sleep(chance.expovariate(1 / PACE))  # the pace of the load
    app.close()


def produce(chance: random.Random, tokens: Iterator[str]) -> None:
    """Make one call, or many in one."""
    token = next(tokens)
    draw = chance.random()
    if draw < 0.25:
        many = [token, *(next(tokens) for _ in range(chance.randrange(1, 12)))]
        history.append(CALLS, *(f"invoke {each}" for each in many))
        results = app.send_many([("short", (each,)) for each in many])
        history.append(CALLS, *(f"ok {each} {result.id}" for each, result in zip(many, results, strict=True)))
        return
    history.append(CALLS, f"invoke {token}")
    if draw < 0.65:
        result = short.delay(token)
    elif draw < 0.75:
        result = short.apply_async((token,), link=follow.s(token))
    elif draw < 0.85:
        result = flaky.apply_async((token, chance.randrange(1, 4), chance.choice([0.0, 0.1])), task_id=token)
    else:
        result = nap.apply_async((token, chance.choice([0.2, 0.2, 0.2, 0.3, 0.5, 2.0])), link=follow.s(token))
    history.append(CALLS, f"ok {token} {result.id}")


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
