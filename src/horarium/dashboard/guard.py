"""What stands before every route, as ASGI middleware: hosts, sizes, foreign origins, and the headers of each answer."""

from __future__ import annotations

import logging
import re
import secrets
from collections.abc import Sequence
from typing import Any
from urllib.parse import unquote, urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

logger = logging.getLogger("horarium.web")

MOST_BYTES = 1_000_000  # of a body
SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors {frames}"
)
LOOPBACK = ("localhost", "127.0.0.1", "::1")


class Guard:
    """Refuses what cannot come from our own pages or a program that means it, before anything is read.

    ``hosts``: the names that the dashboard may be asked by; none: any. (A page of somebody else's could otherwise
    reach a server on this machine by a name of its own that leads here.) ``frames``: who may frame pages.
    """

    def __init__(self, inner: ASGIApp, *, hosts: Sequence[str] = (), frames: str = "'none'") -> None:
        self._inner = inner
        self._hosts = frozenset(host.lower() for host in hosts)
        self._policy = POLICY.format(frames=frames)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._inner(scope, receive, send)
            return
        if b"%" in scope.get("raw_path", b""):
            scope["path"] = routed(scope["raw_path"].decode("latin-1"))
        request_id = secrets.token_hex(8)
        scope.setdefault("state", {})["request_id"] = request_id
        headers = Headers(scope=scope)

        async def answer(message: Message) -> None:
            if message["type"] == "http.response.start":
                self._dress(MutableHeaders(scope=message), request_id)
            await send(message)

        refused = self._refusal(scope, headers)
        if refused is not None:
            logger.warning("refused %s %s: %s (request %s)", scope["method"], scope["path"], refused[1], request_id)
            await _problem(*refused)(scope, receive, answer)
            return
        await self._inner(scope, _Counted(receive), answer)

    def _refusal(self, scope: Scope, headers: Headers) -> tuple[int, str, str] | None:
        host = _name_of(headers.get("host", ""))
        if self._hosts and host not in self._hosts:
            return 421, f"this server is not {host or 'without a name'}", "start it with --host-name to serve it so"
        if scope["method"] in SAFE:
            return None
        if headers.get("content-length", "0").isdigit() and int(headers.get("content-length", "0")) > MOST_BYTES:
            return 413, f"expected a body of at most {MOST_BYTES} bytes", "send less at once"
        if "authorization" not in headers and is_foreign(headers):
            return 403, "a change must come from this dashboard's own pages", "programs send an Authorization header"
        return None

    def _dress(self, headers: MutableHeaders, request_id: str) -> None:
        headers.setdefault("Content-Security-Policy", self._policy)
        headers["X-Content-Type-Options"] = "nosniff"
        headers["Referrer-Policy"] = "same-origin"
        headers["Cross-Origin-Opener-Policy"] = "same-origin"
        headers["X-Robots-Tag"] = "noindex, nofollow"
        headers["X-Request-Id"] = request_id
        headers.setdefault("Cache-Control", "no-store")


def routed(path: str) -> str:
    """Return an address's path as routes are told by: decoded, but for the slashes and percent signs that are a part of
    a name. Whoever reads a part of it decodes that once more."""
    return unquote(re.sub("%(2[fF5])", r"%25\1", path))


def is_foreign(headers: Headers) -> bool:
    """Tell whether a browser says that another site is behind a request, or does not say that it is ours."""
    site = headers.get("sec-fetch-site")
    if site is not None:
        return site not in ("same-origin", "none")
    origin = headers.get("origin")
    return origin is not None and urlsplit(origin).netloc.lower() != headers.get("host", "").lower()


class TooLarge(Exception):
    """A body without a length went on beyond what is taken."""


class _Counted:
    """The body as it comes in, up to its most."""

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self._taken = 0

    async def __call__(self) -> Message:
        message = await self._receive()
        if message["type"] == "http.request":
            self._taken += len(message.get("body", b""))
            if self._taken > MOST_BYTES:
                raise TooLarge
        return message


def _name_of(host: str) -> str:
    """Return the host without its port."""
    return (urlsplit(f"//{host}").hostname or "") if "@" not in host else ""


def _problem(status: int, text: str, hint: str) -> Response:
    body: dict[str, Any] = {"title": text, "status": status, "hint": hint}  # Any: JSON
    return JSONResponse(body, status, media_type="application/problem+json")
