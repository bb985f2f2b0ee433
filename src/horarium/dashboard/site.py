"""The dashboard as one ASGI application: its rooms, and what surrounds each of their pages.

It can be mounted at any prefix and needs no lifespan of its own. Everything that asks the store does so in a thread.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Sequence
from http import HTTPStatus
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, unquote, urlsplit

from sse_starlette import EventSourceResponse, ServerSentEvent
from starlette.applications import Starlette
from starlette.datastructures import QueryParams
from starlette.middleware import Middleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Mount, compile_path
from starlette.routing import Route as StarletteRoute

from horarium.dashboard import api
from horarium.dashboard.access.asked import Asked, Knower
from horarium.dashboard.access.door import Door
from horarium.dashboard.access.secret import is_proof, masked
from horarium.dashboard.ask import Ask, Cookie, Done, Download, Shown, Unanswerable, local_path
from horarium.dashboard.assets import Assets
from horarium.dashboard.audit import Entry, write
from horarium.dashboard.cookies import DENSITY, THEME, ZONE
from horarium.dashboard.drawn import Drawn
from horarium.dashboard.flower import flower_routes
from horarium.dashboard.guard import Guard, address_of, routed
from horarium.dashboard.live import Feed, Hub
from horarium.dashboard.person import Access, Person, Role
from horarium.dashboard.places import RETRY_AFTER, Busy, Places
from horarium.dashboard.rendering import LIVE, has_block, render
from horarium.dashboard.room import Room, Route
from horarium.dashboard.rooms import ALL
from horarium.dashboard.streams import Streams
from horarium.errors import EngineUnavailable, HorariumError
from horarium.observe.counted import Past
from horarium.observe.moments import day_and_time, zone_or_utc
from horarium.observe.text import one_line, visible
from horarium.version import __version__

if TYPE_CHECKING:
    from horarium.app.app import Horarium

logger = logging.getLogger("horarium.web")

CSRF = "horarium-csrf"  # a header, or a field of a form
PING_EVERY = 15  # seconds; proxies end what is silent, and pages ask anew (live.js)
TOLD = "horarium_told"  # a cookie for one answer: what became of a change
FORMS = ("application/x-www-form-urlencoded", "multipart/form-data")


def web(
    app: Horarium,
    *,
    access: Access | Knower | None = None,
    hosts: Sequence[str] = (),
    frames: str = "'none'",
    rooms: Sequence[Room] = ALL,
    sends_unregistered: bool = False,
) -> Starlette:
    """Return the dashboard of an app, to be served or mounted: ``application.mount("/horarium", web(app, access=…))``.

    ``access`` knows who may do what: a Door, ``Open()`` where others guard the mount, or a plain function that is given
    the request and returns a Person or None. Without it only tokens and links open it (``horarium tokens add``).
    ``hosts``: the names that it may be asked by. ``sends_unregistered``: Flower's send-task takes tasks that
    neither the app nor a live worker knows. Opens nothing. Raises: ImproperlyConfigured when its files are not there.
    """
    if not isinstance(access, Access):
        access = Door(app, others=() if access is None else (Asked(access),))
    site = Site(app, access, rooms, sends_unregistered=sends_unregistered)
    middleware = [
        Middleware(Guard, hosts=tuple(hosts), frames=frames, clock=app.connection.clock),
        Middleware(GZipMiddleware, minimum_size=1000),
    ]
    return Starlette(routes=site.routes(), middleware=middleware)


class Site:
    """The routes of all rooms and what they share."""

    def __init__(
        self, app: Horarium, access: Access, rooms: Sequence[Room], *, sends_unregistered: bool = False
    ) -> None:
        self.app = app
        self.access = access
        self._rooms = rooms
        self._sends_unregistered = sends_unregistered
        self._hub: Hub | None = None
        self._streams = Streams()
        self._places = Places()
        self._past = Past()
        self._drawn = Drawn()
        self._matchers = [
            (compile_path(route.path), route) for room in rooms for route in room.routes if not route.is_change
        ]
        Assets.shared()

    def routes(self) -> list[BaseRoute]:
        """Return all routes for Starlette; those of rooms bear their Route as ``rule``."""
        made: list[BaseRoute] = [
            StarletteRoute("/static/{digest}/{name}", Assets.shared().answer, methods=["GET"], name="static"),
            StarletteRoute("/live", self._live, methods=["GET"], name="live"),
        ]
        made.append(Mount(api.PREFIX, api.Application(self.app, self.access, self._places), name="api"))
        for room in self._rooms:
            for route in room.routes:
                methods = ["POST"] if route.is_change else ["GET"]
                made.append(StarletteRoute(route.path, self._endpoint(route), methods=methods, name=route.name))
        made += flower_routes(self.app, self.access, self._places, sends_unregistered=self._sends_unregistered)
        made.append(StarletteRoute("/{rest:path}", self._endpoint(_NOWHERE), methods=["GET"], name="nowhere"))
        return made

    def _endpoint(self, route: Route) -> Callable[[Request], Any]:  # Any: an awaitable of Starlette's
        async def endpoint(request: Request) -> Response:
            form = await _form(request) if route.is_change else {}
            if not route.is_long or (who := await asyncio.to_thread(self._who, request)) is None:
                return await asyncio.to_thread(self._answer, request, route, form)
            try:
                async with self._places.place(who):
                    return await asyncio.to_thread(self._answer, request, route, form)
            except Busy as busy:
                return await asyncio.to_thread(self._busy, request, busy)

        return endpoint

    def _who(self, request: Request) -> str | None:
        """Return whose read it is to be; None: nobody's that is answered."""
        try:
            person = self._person(request)
        except Exception:  # noqa: BLE001  # the answer, which asks again, is where it is told
            return None
        return person.name if person is not None else None

    def _person(self, request: Request) -> Person | None:
        """Return who asks; they are looked for once, since a wrong password counts each time."""
        if not hasattr(request.state, "asker"):
            request.state.asker = self.access.person(request)
        found: Person | None = request.state.asker
        return found

    def _busy(self, request: Request, busy: Busy) -> Response:
        response = self._trouble(request, self._bare(request), busy.status, busy.text.capitalize(), busy.hint)
        response.headers["Retry-After"] = str(RETRY_AFTER)
        return response

    def _answer(self, request: Request, route: Route, form: dict[str, tuple[str, ...]] | None) -> Response:
        """Answer a request whole; whatever goes wrong is a page that says what, and whether to try again."""
        ask = self._bare(request)
        try:
            person = self._person(request)
            if person is None and route.role > Role.NOBODY:
                return self._login(request)
            ask = self._ask(request, person or _STRANGER, form or {})
            self._require(request, route, ask)
            if form is None:
                raise Unanswerable("unreadable", "A change is sent as a form", hint=f"expected {' or '.join(FORMS)}")
            return self._carry_out(request, route, ask)
        except Unanswerable as trouble:
            return self._trouble(request, ask, trouble.status, trouble.text, trouble.hint)
        except EngineUnavailable as error:
            return self._trouble(request, ask, 503, "The store cannot be reached", f"{error} Reload in a moment.")
        except HorariumError as error:
            return self._trouble(request, ask, 400, "That cannot be done", str(error))
        except Exception:
            logger.exception("request %s failed", request.state.request_id)
            return self._trouble(request, ask, 500, "Horarium has failed here", "Nothing tells whether it was done.")

    def _carry_out(self, request: Request, route: Route, ask: Ask) -> Response:
        answer = route.function(ask)
        done = answer if isinstance(answer, Done) else answer.done if isinstance(answer, Shown) else None
        if route.is_change and not route.is_trial and done is not None:
            address = address_of(request.scope)
            write(ask.engine, Entry.of(ask, route.name, done, address=address, request=request.state.request_id))
        match answer:
            case Shown():
                is_block = request.headers.get("hx-target", "") == LIVE and has_block(answer.template, LIVE)
                context = {"title": answer.title, "told": unquote(request.cookies.get(TOLD, "")), **answer.context}
                context["live_view"] = (answer.live_view or _view(request)) if route.is_live else None
                context["stands_at"] = ask.url(answer.stands_at) if answer.stands_at else _came_from(request)
                html = render(answer.template, ask, context, block=LIVE if is_block else None)
                response: Response = HTMLResponse(html, answer.status)
                if TOLD in request.cookies:
                    response.delete_cookie(TOLD, path=f"{ask.base}/")
                return response
            case Download():
                headers = {"Content-Disposition": f"attachment; filename*=UTF-8''{_quoted(answer.name)}"}
                return Response(answer.body, headers=headers, media_type=answer.media)
            case Done():
                return _led(request, ask, answer)

    def _require(self, request: Request, route: Route, ask: Ask) -> None:
        """Raises: Unanswerable when the person may not, or the change does not come from a page of theirs."""
        if not ask.person.may(route.role):
            _note_refusal(request, ask.person, f"needs the right of an {route.role.word}")
            raise Unanswerable(
                "refused", f"this needs the right of an {route.role.word}", hint=f"you are a {ask.person.role.word}"
            )
        given = request.headers.get(CSRF) or ask.given(CSRF)
        if route.is_change and ask.person.csrf and not is_proof(given, ask.person.csrf):
            _note_refusal(request, ask.person, "came without the proof that its page holds")
            raise Unanswerable("refused", "this page is no longer valid", hint="reload it and try again")

    def _login(self, request: Request) -> Response:
        _note_refusal(request, None, "nobody is logged in")
        url = self.access.login_url(request.scope.get("root_path", ""), _view(request))
        if url is None or request.method != "GET" or "hx-request" in request.headers:
            return self._unknown()
        return RedirectResponse(url, HTTPStatus.SEE_OTHER)

    def _unknown(self) -> Response:
        headers = {"WWW-Authenticate": self.access.challenge} if self.access.challenge else {}
        return HTMLResponse("who are you?", 401, headers)

    def _trouble(self, request: Request, ask: Ask, status: int, text: str, hint: str) -> Response:
        context = {"title": text, "told": None, "live_view": None, "hint": hint, "status": status}
        context |= {"request_id": request.state.request_id, "method": request.method}
        context["stands_at"] = _came_from(request)
        return HTMLResponse(render("trouble.html", ask, context), status)

    async def _live(self, request: Request) -> Response:
        """Stream the live block of the page that ``view`` names, as the person who asks may see it."""
        try:
            person = await asyncio.to_thread(self.access.person, request)
        except EngineUnavailable as error:  # the browser comes back
            return HTMLResponse(visible(f"the store cannot be reached: {error}"), 503, {"Retry-After": "5"})
        if person is None:
            return self._unknown()
        viewed, _, asked = request.query_params.get("view", "").partition("?")
        path = routed(viewed)
        query = dict(QueryParams(asked))  # read as the page reads its own
        found = self._find(path)
        if found is None or not person.may(found[0].role):
            return HTMLResponse("no such page", 404)
        route, parts = found
        zone = _zone(request, self.app)
        base = request.scope.get("root_path", "")
        key = (route.name, tuple(parts.items()), asked, zone, person.role, base)  # all that changes a block, no more

        def look() -> str:
            return self._block(route, self._streams.looker(person.role), path, parts, query, zone, base)

        def is_still_welcome() -> bool:
            try:
                now = self.access.person(request)
            except EngineUnavailable:
                return False  # the browser comes back
            return now is not None and (now.name, now.role) == (person.name, person.role)

        who = person.session or address_of(request.scope)
        if self._streams.is_full(who):
            _note_refusal(request, person, "has too many live pages open")
            return HTMLResponse("too many live pages are open", 429, {"Retry-After": "30"})
        seen = request.headers.get("last-event-id", "")
        if self._hub is None:
            self._hub = Hub(self.app.connection.clock)
        events = _stream(self._hub, key, look, seen, zone)
        return EventSourceResponse(
            self._streams.counted(who, self._streams.sealed(person, is_still_welcome, events)),
            ping=PING_EVERY,
            ping_message_factory=_ping,
            headers={"X-Accel-Buffering": "no", "Cache-Control": "no-store"},
        )

    def _block(
        self,
        route: Route,
        person: Person,
        path: str,
        parts: dict[str, str],
        query: dict[str, str],
        zone: str,
        base: str,
    ) -> str:
        ask = Ask(
            app=self.app,
            person=person,
            proof=person.csrf,  # the mark of it; each looker gets their own
            now=self.app.engine.now(),
            path=path,
            parts=parts,
            query=query,
            zone=zone,
            base=base,
            past=self._past,
            drawn=self._drawn,
        )
        try:
            shown = route.function(ask)
        except Unanswerable as trouble:
            return render("gone.html", ask, {"text": trouble.text, "hint": trouble.hint})
        if not isinstance(shown, Shown):
            return ""
        context = {"title": shown.title, "told": None, "live_view": None, **shown.context}
        return render(shown.template, ask, context, block=LIVE)

    def _find(self, path: str) -> tuple[Route, dict[str, str]] | None:
        for (regex, _, convertors), route in self._matchers:
            if route.is_live and (match := regex.match(path)):
                parts = {name: str(convertors[name].convert(value)) for name, value in match.groupdict().items()}
                return route, {name: unquote(value) for name, value in parts.items()}
        return None

    def _bare(self, request: Request) -> Ask:
        """Return what is asked by nobody yet: enough for a page that tells of trouble."""
        return Ask(
            app=self.app,
            person=_STRANGER,
            now=self.app.connection.clock.now(),
            path=_path(request),
            zone=_zone(request, self.app),
            theme=_theme(request),
            density=_density(request),
            base=request.scope.get("root_path", ""),
            access=self.access,
            connection=request,
        )

    def _ask(self, request: Request, person: Person, form: dict[str, tuple[str, ...]]) -> Ask:
        return Ask(
            app=self.app,
            person=person,
            proof=masked(person.csrf),
            now=self.app.engine.now(),
            path=_path(request),
            parts={name: unquote(str(value)) for name, value in request.path_params.items()},
            query=dict(request.query_params),
            form=form,
            past=self._past,
            drawn=self._drawn,
            zone=_zone(request, self.app),
            theme=_theme(request),
            density=_density(request),
            base=request.scope.get("root_path", ""),
            access=self.access,
            connection=request,
        )


_STRANGER = Person(name="nobody", role=Role.NOBODY, via="none")


def _nowhere(ask: Ask) -> Shown:
    raise Unanswerable("gone", "There is no such page", hint="Its address may have been cut or mistyped.")


_NOWHERE = Route(path="/{rest:path}", name="nowhere", role=Role.NOBODY, function=_nowhere)


async def _stream(
    hub: Hub, key: object, look: Callable[[], str], seen: str, zone: str = "UTC"
) -> AsyncIterator[ServerSentEvent]:
    """Yield the block whenever it differs from what was sent last, and whether it may be old: since when, and why."""
    version = 0
    trouble: str | None = None
    async with hub.looking(key, look) as feed:
        yield ServerSentEvent(data=__version__, event="version")  # pages of another one ask for a reload
        while True:
            if feed.mark and feed.mark != seen:
                seen = feed.mark
                yield ServerSentEvent(data=feed.html or "", id=seen)
            if feed.trouble != trouble:
                trouble = feed.trouble
                yield ServerSentEvent(data=_old(feed, zone), event="stale" if trouble else "fresh")
            version = await feed.wait_beyond(version)


def _old(feed: Feed, zone: str) -> str:
    """Return of when what a feed shows is, and why of no later moment; nothing if it is of now."""
    if feed.trouble is None:
        return ""
    as_of = f"as of {day_and_time(feed.made, zone, now=feed.made)}: " if feed.made is not None else ""
    return f"{as_of}{feed.trouble}"


def _ping() -> ServerSentEvent:
    """An event and no comment, so that pages hear it."""
    return ServerSentEvent(data="", event="ping")


async def _form(request: Request) -> dict[str, tuple[str, ...]] | None:
    """Return what was sent, None if it is no form: other sites can send such without a question to us."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind not in FORMS and (kind or await request.body()):
        return None
    form = await request.form(max_files=0)
    return {name: tuple(str(value) for value in form.getlist(name)) for name in form}


def _led(request: Request, ask: Ask, done: Done) -> Response:
    """Lead the browser to where the change shows, with what became of it."""
    target = ask.url(local_path(done.to))
    if "hx-request" in request.headers:
        response = Response(status_code=204, headers={"HX-Redirect": quote(target, safe=_URL)})
    else:
        response = RedirectResponse(target, HTTPStatus.SEE_OTHER)
    for cookie in done.cookies:
        _set(response, cookie, ask.base)
    if not done.text:  # only led on
        return response
    told = ("+" if done.is_good else "-") + done.text
    response.set_cookie(TOLD, _quoted(told)[:3000], max_age=60, path=f"{ask.base}/", httponly=True, samesite="lax")
    return response


def _set(response: Response, cookie: Cookie, base: str) -> None:
    response.set_cookie(
        cookie.name,
        cookie.value,
        max_age=int(cookie.lasts),
        path=cookie.path or f"{base}/",
        secure=cookie.is_secure,
        httponly=cookie.is_hidden,
        samesite="lax",
    )


def _note_refusal(request: Request, person: Person | None, why: str) -> None:
    who = f"{one_line(person.name)} ({person.role.word})" if person else "somebody"
    path, address = one_line(request.scope["path"]), address_of(request.scope)
    logger.warning("refused %s %s from %s at %s: %s", request.method, path, who, address, why)


def _path(request: Request) -> str:
    root = request.scope.get("root_path", "")
    path: str = request.scope["path"]
    return path.removeprefix(root) or "/"


def _view(request: Request) -> str:
    query = request.url.query
    return quote(_path(request), safe="/%") + (f"?{query}" if query else "")


def _came_from(request: Request) -> str:
    """Return the address of our page that a POST came from; nothing for a GET, and where the browser does not say."""
    came = urlsplit(request.headers.get("referer", ""))
    if request.method == "GET" or came.netloc != request.headers.get("host"):
        return ""
    return local_path(came.path) + (f"?{came.query}" if came.query else "")


def _zone(request: Request, app: Horarium) -> str:
    """Return the zone in which this browser wants to read times; the app's, if it has not said."""
    return zone_or_utc(unquote(request.cookies.get(ZONE, "")) or app.conf.timezone)


def _theme(request: Request) -> str:
    theme = request.cookies.get(THEME, "")
    return theme if theme in ("light", "dark") else ""


def _density(request: Request) -> str:
    return "tight" if request.cookies.get(DENSITY) == "tight" else ""


_URL = ":/%#?=@[]!$&'()*+,;"  # what stays as it is in an address, as Starlette does for Location


def _quoted(text: str) -> str:
    return quote(text, safe="")
