"""Settings on the command line of a runner: ``horarium worker -l info worker.concurrency=4``, as Celery takes them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click
import msgspec

if TYPE_CHECKING:
    from horarium.settings import Settings


def assign(conf: Settings, words: tuple[str, ...], section: str) -> None:
    """Set the settings that the words assign. ``worker.lease``, ``worker_lease`` and (of a worker) ``.lease`` are one.

    A value is JSON where it can be read so, else a text. Raises: UsageError; UnknownSetting, InvalidSetting.
    """
    conf.update(dict(_parsed(word, section) for word in words))


def _parsed(word: str, section: str) -> tuple[str, Any]:  # Any: what JSON can say
    key, equals, text = word.partition("=")
    if not equals or not key:
        raise click.UsageError(f"expected options, or settings such as worker.concurrency=4, got {word!r}")
    name = key.replace(".", "_")
    if name.startswith("_"):
        name = section + name
    try:
        return name, msgspec.json.decode(text)
    except msgspec.DecodeError:
        return name, {"true": True, "false": False, "none": None}.get(text.lower(), text)
