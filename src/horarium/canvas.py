"""``celery.canvas`` by its own name: signatures, and what is made of them. A door; nothing inside imports it."""

from horarium.app.signature import Signature

__all__ = ["Signature"]
