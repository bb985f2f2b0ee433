"""Secrets: drawn here, kept as digests, compared in constant time."""

from __future__ import annotations

import hashlib
import hmac
import secrets

BYTES = 32  # nobody guesses 256 bits, so that a plain digest of them may be kept


def new_secret() -> str:
    """Return a new secret that can stand in an address, a cookie or a header."""
    return secrets.token_urlsafe(BYTES)


def new_salt() -> bytes:
    return secrets.token_bytes(16)


def digest(secret: str) -> str:
    """Return what is kept of a secret: it finds the secret again, and does not tell it."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()


def seal(key: str, text: str) -> str:
    """Return what only somebody with the key can say of a text."""
    return hmac.new(key.encode(), text.encode("utf-8", "surrogatepass"), hashlib.sha256).hexdigest()


def is_same(one: str, other: str) -> bool:
    """Compare in a time that tells nothing of where they differ."""
    return hmac.compare_digest(one.encode("utf-8", "surrogatepass"), other.encode("utf-8", "surrogatepass"))
