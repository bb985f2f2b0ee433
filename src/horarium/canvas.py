"""``celery.canvas`` by its own name: signatures, and what is made of them. A door; nothing inside imports it."""

from horarium.app.canvas import chain, chord, group
from horarium.app.mapping import chunks, xmap, xstarmap
from horarium.app.signature import Signature, maybe_signature, signature, subtask
from horarium.app.stamping import StampingVisitor

__all__ = [
    "Signature",
    "StampingVisitor",
    "chain",
    "chord",
    "chunks",
    "group",
    "maybe_signature",
    "signature",
    "subtask",
    "xmap",
    "xstarmap",
]
