"""Stamps: marks in the headers of every task of a canvas, its callbacks and errbacks included.

A signature keeps them in its options, by name, with the names in ``stamped_headers``; a message carries them in its
headers as ``stamps`` and ``stamped_headers``. A list stays a list and a single value a single value.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from horarium.app.canvas import chain, chord, group
from horarium.app.signature import Signature, listed_option, maybe_signature

NAMES = "stamped_headers"


class StampingVisitor:
    """Decides what is stamped: each method returns the headers for what it is shown, or None.

    What is returned is stamped under its own names, or under those of its ``stamped_headers``. The ``start`` methods'
    headers go to all that is inside.
    """

    def on_signature(self, sig: Signature, **headers: Any) -> Mapping[str, Any] | None:
        return None

    def on_group_start(self, sig: Signature, **headers: Any) -> Mapping[str, Any] | None:
        return None

    def on_group_end(self, sig: Signature, **headers: Any) -> None: ...

    def on_chain_start(self, sig: Signature, **headers: Any) -> Mapping[str, Any] | None:
        return None

    def on_chain_end(self, sig: Signature, **headers: Any) -> None: ...

    def on_chord_header_start(self, sig: Signature, **headers: Any) -> Mapping[str, Any] | None:
        return self.on_group_start(sig, **headers)

    def on_chord_header_end(self, sig: Signature, **headers: Any) -> None:
        self.on_group_end(sig, **headers)

    def on_chord_body(self, sig: Signature, **headers: Any) -> Mapping[str, Any] | None:
        return None

    def on_callback(self, callback: Signature, **headers: Any) -> Mapping[str, Any] | None:
        return None

    def on_errback(self, errback: Signature, **headers: Any) -> Mapping[str, Any] | None:
        return None


def stamp(sig: Signature, visitor: StampingVisitor | None, headers: Mapping[str, Any], *, append: bool = False) -> None:
    """Stamp a signature and all that is inside of it and that it sets off, in place."""
    given = _named(headers)
    visitor = visitor or StampingVisitor()
    match sig:
        case chord():
            inner = _with(given, visitor.on_chord_header_start(sig, **given))
            for part in sig.tasks:
                stamp(part, visitor, inner, append=append)
            visitor.on_chord_header_end(sig, **given)
            if sig.body is not None:
                stamp(sig.body, visitor, _with(given, visitor.on_chord_body(sig, **given)), append=append)
        case group() | chain():
            is_group = isinstance(sig, group)
            start = visitor.on_group_start if is_group else visitor.on_chain_start
            inner = _with(given, start(sig, **given))
            for part in sig.tasks:
                stamp(part, visitor, inner, append=append)
            (visitor.on_group_end if is_group else visitor.on_chain_end)(sig, **given)
        case _:
            stamps = _with(given, visitor.on_signature(sig, **given))
            _write(sig.options, stamps, append=append)
    stamp_links(sig, visitor, given, append=append)


def stamp_links(
    sig: Signature, visitor: StampingVisitor | None, headers: Mapping[str, Any], *, append: bool = False
) -> None:
    """Stamp the callbacks and errbacks of a signature, whether they are signatures or plain dicts."""
    given = _named(headers)
    visitor = visitor or StampingVisitor()
    for option, visit in (("link", visitor.on_callback), ("link_error", visitor.on_errback)):
        links = [maybe_signature(link, app=sig._app) for link in listed_option(sig.options.get(option))]
        for link in links:
            stamp(link, visitor, _with(given, visit(link, **given)), append=append)
        if links:
            sig.options[option] = links


def in_headers(options: Mapping[str, Any]) -> dict[str, Any]:
    """Return options with their stamps in the ``headers``, as a message carries them."""
    names = listed_option(options.get(NAMES))
    rest = {key: value for key, value in options.items() if key != NAMES and key not in names}
    stamps = {name: options[name] for name in names if name in options}
    if stamps:
        headers = dict(rest.get("headers") or {})
        known = headers.get("stamps") or {}
        headers["stamps"] = {**known, **stamps}
        headers[NAMES] = sorted({*(headers.get(NAMES) or ()), *stamps})
        rest["headers"] = headers
    return rest


def _named(headers: Mapping[str, Any]) -> dict[str, Any]:
    """Return stamps with their names listed: all of them, unless a list says which."""
    given = dict(headers)
    if given and NAMES not in given:
        given[NAMES] = sorted(given)
    return given


def _with(headers: Mapping[str, Any], more: Mapping[str, Any] | None) -> dict[str, Any]:
    added = _named(more or {})
    names = [*listed_option(headers.get(NAMES)), *listed_option(added.get(NAMES))]
    merged = {**headers, **added}
    if names:
        merged[NAMES] = list(dict.fromkeys(names))
    return merged


def _write(options: dict[str, Any], stamps: Mapping[str, Any], *, append: bool) -> None:
    names = listed_option(stamps.get(NAMES))
    for name in names:
        value = stamps.get(name)
        if append and name in options:
            value = [*listed_option(options[name]), *listed_option(value)]
        options[name] = value
    if names:
        options[NAMES] = list(dict.fromkeys([*listed_option(options.get(NAMES)), *names]))
