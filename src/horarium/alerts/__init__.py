"""Alerts: look at facts, decide by pure rules what is wrong, and tell people, by way of channels.

``rules`` judge, ``book`` remembers, ``messages`` says it, ``channels`` send it, ``watch`` goes round, and ``shelf`` is
where all of it lies. ``firing(engine, now=...)`` answers whether anything is wrong, with two reads of a few notes.
"""

from horarium.alerts.shelf import firing

__all__ = ["firing"]
