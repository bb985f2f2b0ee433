"""What stands before every route, as ASGI middleware: hosts, sizes, foreign origins, and the headers of each answer."""

from __future__ import annotations

import asyncio
import logging
import re
import secrets
from collections import OrderedDict
from collections.abc import Sequence
from typing import Any, NamedTuple
from urllib.parse import unquote, urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from horarium.clock import Clock, Seconds, SystemClock
from horarium.observe.text import one_line

logger = logging.getLogger("horarium.web")

MOST_BYTES = 1_000_000  # of a body
BODY_WITHIN: Seconds = 20.0  # of its first byte
HOST = re.compile(r"(?:\[([0-9A-Fa-f:.]+)\]|([^\s:@/\\\[\]?#]*))(?::[0-9]*)?")  # and a port
SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors {frames}"
)
LOOPBACK = ("localhost", "127.0.0.1", "::1")
PEER = "horarium.peer"  # in a scope: who has connected, whatever X-Forwarded-For says
WRITES_AT_ONCE = 200  # of one address
WRITES_EACH_SECOND = 20.0
MOST_ADDRESSES = 10_000  # that are counted; the oldest go first


class Refusal(NamedTuple):
    """Why a request goes no further; ``code`` is for programs, as in the API."""

    status: int
    code: str
    text: str
    hint: str


class Guard:
    """Refuses what cannot come from our own pages or a program that means it, before anything is read.

    ``hosts``: the names that the dashboard may be asked by; none: any. (A page of somebody else's could otherwise
    reach a server on this machine by a name of its own that leads here.) ``frames``: who may frame pages. Whatever
    fails inside becomes an answer with the same headers as all others.
    """

    def __init__(
        self, inner: ASGIApp, *, hosts: Sequence[str] = (), frames: str = "'none'", clock: Clock | None = None
    ) -> None:
        self._inner = inner
        self._hosts = frozenset(host.lower() for host in hosts)
        self._policy = POLICY.format(frames=frames)
        self._writes = Allowance(clock or SystemClock())

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":  # there is none here; what is refused before it is accepted is a 403
            await send({"type": "websocket.close", "code": 1008})
            return
        if scope["type"] != "http":
            await self._inner(scope, receive, send)
            return
        if b"%" in scope.get("raw_path", b""):
            scope["path"] = routed(scope["raw_path"].decode("latin-1"))
        request_id = secrets.token_hex(8)
        scope.setdefault("state", {})["request_id"] = request_id
        headers = Headers(scope=scope)
        has_begun = False

        async def answer(message: Message) -> None:
            nonlocal has_begun
            if message["type"] == "http.response.start":
                has_begun = True
                self._dress(MutableHeaders(scope=message), request_id)
            await send(message)

        refused = self._refusal(scope, headers)
        if refused is not None:
            _log(scope, refused.text, request_id)
            await _problem(refused, request_id)(scope, receive, answer)
            return
        try:
            await self._inner(scope, _Counted(receive), answer)
        except ClientDisconnect:
            logger.info("whoever sent request %s has gone before it was whole", request_id)
        except Exception as error:  # whatever it is: the person is told, and so is the log
            problem = _problem_of(error)
            if problem is None:
                logger.exception("request %s failed", request_id)
                problem = Refusal(500, "internal", "Horarium has failed here", "nothing tells whether it was done")
            if not has_begun:
                await _problem(problem, request_id)(scope, receive, answer)

    def _refusal(self, scope: Scope, headers: Headers) -> Refusal | None:
        host = _name_of(headers.get("host", ""))
        if self._hosts and host not in self._hosts:
            text = f"this server is not {host or 'without a name'}"
            return Refusal(421, "wrong_host", text, "start it with --host-name to serve it so")
        if not scope["path"].startswith("/"):
            text = "expected a path that begins with a slash"
            return Refusal(400, "invalid_path", text, "ask for a path of this server, such as /runs")
        if "\n" in scope["path"]:  # no route would match it, and be it for what names it
            return Refusal(400, "invalid_path", "expected a path without line breaks", "no name has one")
        if scope["method"] in SAFE:
            return None
        length = headers.get("content-length", "0")
        if not (length.isascii() and length.isdigit()) or int(length[:20]) > MOST_BYTES:
            return Refusal(TooLarge.status, TooLarge.code, TooLarge.text, TooLarge.hint)
        if not is_bearer(headers) and is_foreign(headers):
            text = "a change must come from this dashboard's own pages"
            return Refusal(403, "foreign", text, "programs send a token: Authorization")
        if wait := self._writes.wait_for(address_of(scope)):
            text = f"expected at most {WRITES_EACH_SECOND:g} changes each second"
            return Refusal(429, "too_many_changes", text, f"wait {wait:.1f} s")
        return None

    def _dress(self, headers: MutableHeaders, request_id: str) -> None:
        headers.setdefault("Content-Security-Policy", self._policy)
        headers["X-Content-Type-Options"] = "nosniff"
        headers["Referrer-Policy"] = "same-origin"
        headers["Cross-Origin-Opener-Policy"] = "same-origin"
        headers["Cross-Origin-Resource-Policy"] = "same-origin"
        headers["X-Robots-Tag"] = "noindex, nofollow"
        headers["X-Request-Id"] = request_id
        headers.setdefault("Cache-Control", "no-store")


def routed(path: str) -> str:
    """Return an address's path as routes are told by: decoded, but for the slashes and percent signs that are a part of
    a name. Whoever reads a part of it decodes that once more."""
    return unquote(re.sub("%(2[fF5])", r"%25\1", path))


def is_foreign(headers: Headers) -> bool:
    """Tell whether a browser says that another site is behind a request, or does not say that it is ours. Programs,
    which say nothing of both, are not foreign."""
    site = headers.get("sec-fetch-site")
    if site is not None:
        return site != "same-origin"
    origin = headers.get("origin")
    try:
        return origin is not None and urlsplit(origin).netloc.lower() != headers.get("host", "").lower()
    except ValueError:
        return True


def is_bearer(headers: Headers) -> bool:
    """Tell whether a token is shown, which no browser sends by itself, as it does with passwords and cookies."""
    return headers.get("authorization", "")[:7].lower() == "bearer "


def peer_of(scope: Scope) -> str:
    """Return the address of who has connected: a proxy's, if there is one."""
    peer = scope.get(PEER) or scope.get("client") or ("", 0)
    return str(peer[0])


def address_of(scope: Scope) -> str:
    """Return the address of who asks, as far as a trusted proxy tells it."""
    client = scope.get("client") or ("", 0)
    return str(client[0])


class Allowance:
    """How many changes an address may make: so many at once, and so many each second. Used by one event loop."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._left: OrderedDict[str, tuple[float, Seconds]] = OrderedDict()  # by address: how many, and when

    def wait_for(self, address: str) -> Seconds:
        """Take one; return how long to wait until there is one, 0 if it was there."""
        now = self._clock.monotonic()
        left, when = self._left.pop(address, (float(WRITES_AT_ONCE), now))
        left = min(float(WRITES_AT_ONCE), left + (now - when) * WRITES_EACH_SECOND)
        is_there = left >= 1.0
        self._left[address] = (left - 1.0 if is_there else left), now
        if len(self._left) > MOST_ADDRESSES:
            self._left.popitem(last=False)
        return 0.0 if is_there else (1.0 - left) / WRITES_EACH_SECOND


class NotWhole(HTTPException):
    """A body that is not taken. Every application inside answers it with its status."""

    status = 400
    code = text = hint = ""

    def __init__(self) -> None:
        super().__init__(self.status, self.text)


class TooSlow(NotWhole):
    """A body did not come in time: each one that is waited for holds a connection."""

    status = 408
    code = "too_slow"
    text = f"expected a whole body within {BODY_WITHIN:g} s"
    hint = "send it again"


class TooLarge(NotWhole):
    """A body without a length went on beyond what is taken."""

    status = 413
    code = "too_large"
    text = f"expected a body of at most {MOST_BYTES} bytes"
    hint = "send less at once"


class _Counted:
    """The body as it comes in, up to its most."""

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self._taken = 0
        self._is_whole = False  # what is waited for after that is the other side's going
        self._until: Seconds | None = None

    async def __call__(self) -> Message:
        if self._is_whole:
            return await self._receive()
        if self._until is None:
            self._until = asyncio.get_running_loop().time() + BODY_WITHIN
        try:
            async with asyncio.timeout_at(self._until):
                message = await self._receive()
        except TimeoutError:
            raise TooSlow from None
        if message["type"] == "http.request":
            self._is_whole = not message.get("more_body", False)
            self._taken += len(message.get("body", b""))
            if self._taken > MOST_BYTES:
                raise TooLarge
        return message


def _problem_of(error: Exception) -> Refusal | None:
    """Return what is said of an error that is no failure of ours."""
    return Refusal(error.status, error.code, error.text, error.hint) if isinstance(error, NotWhole) else None


def _log(scope: Scope, why: str, request_id: str) -> None:
    path = one_line(scope["path"])
    logger.warning("refused %s %s from %s: %s (request %s)", scope["method"], path, address_of(scope), why, request_id)


def _name_of(host: str) -> str:
    """Return the host without its port; nothing for what is none, such as ``[::1].evil.example``."""
    found = HOST.fullmatch(host)
    return (found[1] or found[2]).lower() if found is not None else ""


def _problem(refused: Refusal, request_id: str) -> Response:
    """Return a refusal in the shape that the API's have."""
    body: dict[str, Any] = {  # Any: JSON
        "type": "about:blank",
        "title": refused.text,
        "status": refused.status,
        "code": refused.code,
        "hint": refused.hint,
        "request_id": request_id,
    }
    headers = {"Retry-After": "1"} if refused.status == 429 else {}
    return JSONResponse(body, refused.status, headers, media_type="application/problem+json")
