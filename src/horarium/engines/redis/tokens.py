"""Names that nobody else uses: for calls that the store may get twice, and for channels."""

from __future__ import annotations

import os
from itertools import count


class Tokens:
    """Tokens of this object; unique among all processes and hosts, and across forks. Of two that one process took, the
    later one is the greater, by their last DIGITS characters: lua/claim.lua relies on it."""

    DIGITS = 15

    def __init__(self) -> None:
        self._mark = os.urandom(6).hex()
        self._numbers = count()  # next() of it is atomic

    def take(self) -> str:
        return f"{os.getpid()}.{self._mark}.{next(self._numbers):0{self.DIGITS}}"
