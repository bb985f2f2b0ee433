"""The door of the API: who asks, whether they may, and how each answer and each refusal looks.

A route is added by ``reads`` or ``changes`` and in no other way, so that none is without a role, and no change without
a record in the audit.
"""

from __future__ import annotations

import asyncio
import functools
import inspect
import json
import logging
from collections import Counter
from collections.abc import Callable, Coroutine, Mapping
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple, TypeVar
from urllib.parse import unquote

import msgspec
from fastapi import APIRouter, Depends, Header
from fastapi.encoders import jsonable_encoder
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from msgspec import Raw, Struct, field
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response

from horarium.clock import Instant
from horarium.dashboard import audit
from horarium.dashboard.access.secret import is_proof
from horarium.dashboard.api.once import Answer, Once
from horarium.dashboard.ask import Ask, Unanswerable
from horarium.dashboard.guard import NotWhole, address_of
from horarium.dashboard.person import Access, Person, Role
from horarium.dashboard.places import RETRY_AFTER, Busy, Places
from horarium.errors import (
    EngineUnavailable,
    HorariumError,
    InvalidArguments,
    InvalidQuestion,
    InvalidSchedule,
    NotRegistered,
    OwnedByCode,
    RunNotFound,
    ScheduleConflict,
    ScheduleNotFound,
    ScheduleRefused,
)
from horarium.observe.text import one_line

if TYPE_CHECKING:
    from horarium.app.app import Horarium
    from horarium.engines.protocol import Engine

logger = logging.getLogger("horarium.web")

CSRF = "horarium-csrf"  # a header: what a browser's session must bring along with a change
REPEATED = "Idempotent-Replayed"  # a header: the answer is that of an earlier request with the same key
BUSY = "busy"
BY_BROWSERS = frozenset({"sec-fetch-site", "origin"})
ROUTES = "the routes are listed at /api/v1/docs"
OFFICE = "horarium.office"  # in the scope
ROLE = "x-role"  # in the OpenAPI document
PROBLEMS: dict[int | str, dict[str, Any]] = {  # Any: OpenAPI
    "default": {
        "description": "What went wrong, as RFC 9457 has it.",
        "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}},
    }
}
KEY = "idempotency_key"  # the parameter of a change that may be repeated
IdempotencyKey = Annotated[
    str | None,
    Header(min_length=1, max_length=255, description="Of your choice: a repeat with it within a day does nothing."),
]
F = TypeVar("F", bound=Callable[..., Any])


class Problem(Exception):
    """Why a request is refused: ``code`` is for programs and never changes, ``text`` and ``hint`` are for people."""

    def __init__(
        self,
        status: int,
        code: str,
        text: str,
        *,
        hint: str = "",
        errors: Any = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(text)
        self.status = status
        self.code = code
        self.text = text
        self.hint = hint
        self.errors = errors
        self.headers = dict(headers or {})


class Caller(Struct, frozen=True, kw_only=True):
    """Who asks, and of which app."""

    app: Horarium
    person: Person
    now: Instant  # the store's
    base: str  # the dashboard's own prefix
    request: str  # its id
    address: str

    @property
    def engine(self) -> Engine:
        return self.app.engine

    def ask(self, path: str = "/") -> Ask:
        """Return what a page of the dashboard would be asked by them."""
        return Ask(app=self.app, person=self.person, now=self.now, path=path, base=self.base)


class Office(Struct, frozen=True, kw_only=True):
    """Whose API it is: what all requests to one mounted dashboard share."""

    app: Horarium
    access: Access
    mounted: str  # where, below the dashboard
    places: Places = field(default_factory=Places)  # for what takes long
    streams: Counter[str] = field(default_factory=Counter)  # open ones, by who reads them; used by the event loop only


class Changed(Struct, frozen=True, kw_only=True):
    """What became of a change: the answer, and what the audit keeps of it. Any: the route's own shape; plain values."""

    body: Any
    text: str
    about: str
    status: int | None = None  # None: the route's
    headers: dict[str, str] = {}
    reason: str = ""
    before: Any = None
    after: Any = None
    is_trial: bool = False  # nothing was changed, so nothing is written down


class Json(JSONResponse):
    """JSON in ASCII: whatever a task's arguments hold, it can be sent."""

    def render(self, content: Any) -> bytes:
        return json.dumps(content, ensure_ascii=True, allow_nan=True, separators=(",", ":")).encode("ascii")


async def caller(request: Request) -> Caller:
    """Return who asks; the route has seen to it that they may."""
    known: Caller = request.state.caller
    return known


Call = Annotated[Caller, Depends(caller)]


class GuardedRoute(APIRoute):
    """A route that lets in only whom its role allows, and answers everything that goes wrong with a problem."""

    role = Role.ADMIN  # until ``reads`` or ``changes`` says less

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        answer = super().get_route_handler()
        fields = frozenset(field.alias for field in self.dependant.query_params)
        self.role = role_of(self)
        is_page = self.response_class is HTMLResponse

        async def guarded(request: Request) -> Response:
            try:
                request.state.caller = await asyncio.to_thread(admitted, request, self.role)
                _require_known(request, fields)
                # The guard leaves slashes and percent signs within names as they were written; see guard.routed.
                parts = request.path_params
                request.scope["path_params"] = {name: unquote(str(part)) for name, part in parts.items()}
                if self.endpoint not in _LONG:
                    return await answer(request)
                async with office_of(request).places.place(request.state.caller.person.name):
                    return await answer(request)
            except Exception as error:  # noqa: BLE001  # whatever it is, it is answered, and our own mistakes are logged
                return (is_page and _led_to_login(request, error)) or refusal(request, error)

        return guarded


def role_of(route: APIRoute) -> Role:
    """Return the least role that may use a route."""
    return Role[(route.openapi_extra or {})[ROLE].upper()]


_LONG: set[Callable[..., Any]] = set()  # what needs a place


def reads(
    router: APIRouter, path: str, *, role: Role = Role.VIEWER, is_long: bool = False, **more: Any
) -> Callable[[F], F]:
    """Add a route that changes nothing. ``is_long``: it needs a place, see places. Any: FastAPI's own options."""

    def add(function: F) -> F:
        if is_long:
            _LONG.add(function)
        more.setdefault("responses", PROBLEMS)
        router.add_api_route(path, function, openapi_extra={ROLE: role.word}, **{"methods": ["GET"], **more})
        return function

    return add


def changes(
    router: APIRouter,
    method: str,
    path: str,
    *,
    role: Role,
    action: str,
    shape: Any,
    is_secret: bool = False,
    **more: Any,
) -> Callable[[Callable[..., Changed]], Callable[..., Changed]]:
    """Add a route that changes something; each change is audited as ``action``. Any: the model of its answer, FastAPI's
    options.

    Each POST takes an Idempotency-Key. What a function does with one itself holds; for the others see once.
    ``is_secret``: the answer is told once, and kept for no repeat.
    """

    def add(function: Callable[..., Changed]) -> Callable[..., Changed]:
        takes_key = KEY in inspect.signature(function).parameters

        @functools.wraps(function)
        def audited(call: Caller, response: Response, **given: Any) -> Any:
            key = None if takes_key else given.pop(KEY, None)
            if key is None:
                answer = _changed(call, action, function, given)
            else:
                answer = _changed_once(call, action, function, given, key, is_secret=is_secret)
            response.headers.update(answer.headers)
            if answer.status is not None:
                response.status_code = answer.status
            return answer.body

        is_keyed = method == "POST" and not takes_key
        signature = _signature(function, is_keyed=is_keyed)
        audited.__signature__ = signature  # type: ignore[attr-defined]  # what FastAPI looks at
        more.setdefault("responses", PROBLEMS)
        router.add_api_route(
            path, audited, methods=[method], response_model=shape, openapi_extra={ROLE: role.word}, **more
        )
        return function

    return add


def _changed(call: Caller, action: str, function: Callable[..., Changed], given: Mapping[str, Any]) -> Changed:
    done = function(call, **given)
    if not done.is_trial:
        record(call, action, done)
    return done


def _changed_once(
    call: Caller, action: str, function: Callable[..., Changed], given: Mapping[str, Any], key: str, *, is_secret: bool
) -> Changed:
    """Make a change, unless it was made under this key before: then answer as it was answered. Raises: Problem."""
    once = Once(call.engine, action, call.person.name, key, given)
    match once.claim(now=call.now):
        case Answer() as had:
            headers = {**had.headers, REPEATED: "true"}
            body = msgspec.json.decode(had.body)
            return Changed(body=body, text="", about="", status=had.status, headers=headers, is_trial=True)
        case "other":
            text = "this Idempotency-Key has made another change"
            raise Problem(409, "key_was_used", text, hint="use a new key for each")
        case "untold":
            text = "this Idempotency-Key has made it already, and what was answered is told once"
            raise Problem(409, "key_was_used", text, hint="use a new key, if one more is wanted")
        case "under way":
            text = "a request with this Idempotency-Key is under way, or was cut off before it was answered"
            hint = "ask again; if this stays, look whether it was done, and use a new key"
            raise Problem(409, "key_in_use", text, hint=hint)
    try:
        done = _changed(call, action, function, given)
    except Exception as error:
        if problem_of(error).status < 500:  # else nobody knows whether it was done
            once.drop()
        raise
    if done.is_trial:
        once.drop()
    else:
        body = Raw(msgspec.json.encode(jsonable_encoder(done.body)))
        once.keep(None if is_secret else Answer(body=body, status=done.status, headers=done.headers), now=call.now)
    return done


def record(call: Caller, action: str, done: Changed) -> None:
    """Write down a change that was made. Raises: EngineUnavailable."""
    audit.write(
        call.engine,
        audit.Entry(
            at=call.now,
            who=call.person.name,
            via=call.person.via,
            address=call.address,
            request=call.request,
            action=action,
            about=done.about,
            text=done.text,
            reason=done.reason,
            before=done.before,
            after=done.after,
        ),
    )


def admitted(request: Request, role: Role) -> Caller:
    """Return who asks a route of the API. Raises: see admit."""
    office = office_of(request)
    return admit(request, office.app, office.access, role, mounted=office.mounted)


def office_of(request: Request) -> Office:
    found: Office = request.scope[OFFICE]
    return found


def admit(request: Request, app: Horarium, access: Access, role: Role, *, mounted: str = "") -> Caller:
    """Return who asks. ``mounted``: where below the dashboard. Raises: Problem when they may not; EngineUnavailable."""
    base = request.scope.get("root_path", "").removesuffix(mounted)
    # A session's cookie is named for the dashboard's own prefix, and is the API's too.
    asked = Request({**request.scope, "root_path": base})
    person = access.person(asked) if role > Role.NOBODY else _NOBODY
    if person is None:
        request.state.challenge = access.challenge
        _note(request, "nobody", "nobody is logged in")
        raise Problem(401, "unknown_person", "who are you?", hint="send an Authorization header, with a token")
    if not person.may(role):
        text = f"this needs the right of an {role.word}"
        _note(request, person.name, text)
        raise Problem(403, "forbidden", text, hint=f"you are a {person.role.word}")
    if _needs_proof(request, person) and not is_proof(request.headers.get(CSRF, ""), person.csrf):
        _note(request, person.name, "came without the proof of its session")
        raise Problem(403, "csrf", f"a change in a browser's session needs its {CSRF} header", hint="or use a token")
    return Caller(
        app=app,
        person=person,
        now=app.engine.now() if role > Role.NOBODY else 0,
        base=base,
        request=request.state.request_id,
        address=address_of(request.scope),
    )


def _needs_proof(request: Request, person: Person) -> bool:
    """Tell whether a change could be another site's, sent by a browser that shows by itself who its owner is.

    A password in a header is sent by browsers too, once they know it, but never without saying whose page asks: a
    request without either of these headers is a program's.
    """
    if request.method in ("GET", "HEAD") or not person.csrf:
        return False
    return person.via != "basic" or not BY_BROWSERS.isdisjoint(request.headers.keys())


def refusal(request: Request, error: BaseException) -> Response:
    """Return the answer to a request that went wrong."""
    problem = problem_of(error)
    if problem.status == 500:
        logger.error("request %s failed", request.state.request_id, exc_info=error)
    body: dict[str, Any] = {  # Any: JSON
        "type": "about:blank",
        "title": problem.text,
        "status": problem.status,
        "code": problem.code,
        "hint": problem.hint,
        "request_id": request.state.request_id,
    }
    if problem.errors is not None:
        body["errors"] = problem.errors
    return Json(body, problem.status, headers_of(request, problem), media_type="application/problem+json")


def _led_to_login(request: Request, error: BaseException) -> Response | None:
    """Return the way to the login and back, for a browser that opens a page as somebody unknown."""
    if not (isinstance(error, Problem) and error.status == 401 and "text/html" in request.headers.get("accept", "")):
        return None
    office, root = office_of(request), str(request.scope.get("root_path", ""))
    base = root.removesuffix(office.mounted)
    url = office.access.login_url(base, request.scope["path"].removeprefix(base))
    return None if url is None else RedirectResponse(url, 303)


def headers_of(request: Request, problem: Problem) -> dict[str, str]:
    """Return what a refusal says besides: how to show who one is, when to come again."""
    challenge: str = getattr(request.state, "challenge", "")
    if problem.status == 401 and challenge:
        return {"WWW-Authenticate": challenge}
    if problem.code == BUSY:
        return problem.headers | {"Retry-After": str(RETRY_AFTER)}
    return problem.headers | ({"Retry-After": "1"} if problem.status == 503 else {})


class _Answer(NamedTuple):
    status: int
    code: str
    hint: str = ""


# The first one that fits.
_ANSWERS: tuple[tuple[type[BaseException], _Answer], ...] = (
    (EngineUnavailable, _Answer(503, "store_unavailable", "ask again in a moment")),
    (ScheduleNotFound, _Answer(404, "not_found", "GET /schedules lists those there are")),
    (RunNotFound, _Answer(404, "not_found", "it may have been kept long enough")),
    (ScheduleConflict, _Answer(409, "conflict", "read it again, and decide anew")),
    (OwnedByCode, _Answer(409, "owned_by_code")),
    (ScheduleRefused, _Answer(409, "refused")),
    (NotRegistered, _Answer(422, "unknown_task")),
    (InvalidSchedule, _Answer(422, "invalid_schedule")),
    (InvalidQuestion, _Answer(422, "invalid_question")),
    (InvalidArguments, _Answer(422, "invalid_arguments")),
    (HorariumError, _Answer(422, "invalid")),
    (UnicodeError, _Answer(422, "invalid")),  # half a character, in a text that is to be stored
    (RecursionError, _Answer(422, "too_deep")),
)


def problem_of(error: BaseException) -> Problem:
    """Return what a caller is told of an error; nothing of our own insides."""
    match error:
        case Problem():
            return error
        case Busy():
            return Problem(error.status, BUSY, error.text, hint=error.hint)
        case Unanswerable():
            return Problem(error.status, error.kind.replace(" ", "_"), error.text, hint=error.hint)
        case RequestValidationError():
            told = [
                {"at": [str(part) for part in each["loc"]], "message": str(each["msg"])[:300]}
                for each in error.errors()[:20]
            ]
            text = "the request is not of the shape that is expected"
            return Problem(422, "invalid_request", text, hint="see errors", errors=told)
        case HTTPException():
            if isinstance(whole := error if isinstance(error, NotWhole) else error.__cause__, NotWhole):
                return Problem(whole.status, whole.code, whole.text, hint=whole.hint)
            code, text = f"http_{error.status_code}", str(error.detail)
            return Problem(error.status_code, code, text, hint=ROUTES, headers=error.headers)
    for kind, answer in _ANSWERS:
        if isinstance(error, kind):
            text = str(error) if not isinstance(error, RecursionError | UnicodeError) else "it cannot be stored as JSON"
            return Problem(answer.status, answer.code, text, hint=answer.hint)
    return Problem(500, "internal", "Horarium has failed here", hint="nothing tells whether it was done")


def _require_known(request: Request, fields: frozenset[str]) -> None:
    """Raises: Problem for a field of the query that nobody would read: it was meant to do something."""
    unknown = sorted(set(request.query_params) - fields)
    if unknown:
        known = ", ".join(sorted(fields)) or "none"
        text = f"unknown field of the query: {unknown[0][:80]}"
        raise Problem(422, "unknown_field", text, hint=f"known here: {known}")


def _note(request: Request, who: str, why: str) -> None:
    """Write a refusal to the log, as the site does."""
    told = (one_line(request.scope["path"]), one_line(who), address_of(request.scope), why, request.state.request_id)
    logger.warning("refused %s to %s from %s: %s (request %s)", *told)


def _signature(function: Callable[..., Any], *, is_keyed: bool) -> Any:
    """Return the signature of a function with the response, and perhaps a key, beside its own parameters."""
    signature = inspect.signature(function, eval_str=True)
    named = inspect.Parameter.KEYWORD_ONLY
    extra = [inspect.Parameter("response", named, annotation=Response)]
    if is_keyed:
        extra.append(inspect.Parameter(KEY, named, annotation=IdempotencyKey, default=None))
    return signature.replace(parameters=[*signature.parameters.values(), *extra])


_NOBODY = Person(name="nobody", role=Role.NOBODY, via="none")
