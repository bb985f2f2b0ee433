"""Answers that get lost on their way from the server."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from redis.exceptions import ConnectionError

from horarium.engines.redis import connection
from horarium.engines.redis.lua import SCRIPTS


@contextmanager
def losing(
    monkeypatch: pytest.MonkeyPatch, script: str, times: int, kind: type[BaseException] = ConnectionError
) -> Iterator[list[str]]:
    """Let the answers of a script get lost on their way, so many times; yield what was lost."""
    exchange, lost = connection._exchange, []

    def exchanged(link: Any, words: Any) -> Any:
        answer = exchange(link, words)
        if (SCRIPTS[script].digest in words or SCRIPTS[script].text in words) and len(lost) < times:
            lost.append(script)
            raise kind("the answer was lost")
        return answer

    with monkeypatch.context() as patch:
        patch.setattr(connection, "_exchange", exchanged)
        yield lost
    assert len(lost) == times, "not exercised"
