"""Small displacements that are the same whenever and wherever they are computed: a hash instead of a die."""

from __future__ import annotations

from hashlib import blake2b


def shift(below: int, *parts: object) -> int:
    """Return a whole number from 0 up to, not including, ``below`` that depends on the parts alone; 0 if ``below`` is.

    Evenly spread over many parts, equal in every process and release.
    """
    if below <= 0:
        return 0
    digest = blake2b("|".join(map(str, parts)).encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") % below
