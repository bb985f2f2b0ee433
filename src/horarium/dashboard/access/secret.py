"""Secrets: drawn here, kept as digests, compared in constant time, and masked where a page holds one."""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from binascii import Error as NotBase64

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


def masked(secret: str) -> str:
    """Return a secret as an answer may hold it: each time anew under a pad of its own. The length of a compressed page
    tells which guesses, reflected in it, are like what else it holds; like a mask there is nothing to guess twice."""
    plain = secret.encode("utf-8", "surrogatepass")
    pad = secrets.token_bytes(len(plain))
    return base64.urlsafe_b64encode(pad + _xor(pad, plain)).decode()


def is_proof(given: str, secret: str) -> bool:
    """Tell whether what came back is this secret, masked or as it is."""
    return is_same(_unmasked(given), secret) | is_same(given, secret)


def _unmasked(text: str) -> str:
    """Return what was masked; nothing for what never was."""
    try:
        both = base64.b64decode(text.encode("ascii"), altchars=b"-_", validate=True)
        return _xor(both[: len(both) // 2], both[len(both) // 2 :]).decode()
    except (NotBase64, UnicodeError):
        return ""


def _xor(pad: bytes, text: bytes) -> bytes:
    return bytes(one ^ other for one, other in zip(pad, text, strict=False))
