"""At home in ASGI applications of any framework: the life of the store beside that of the application, and following a
run. Imports no framework.

The store is opened before the application's own start-up and closed after its own shut-down. Everything that asks the
store does so in a thread, so the event loop never waits for it.
"""

from __future__ import annotations

import asyncio
import logging
import traceback
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, MutableMapping
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from threading import Lock
from typing import TYPE_CHECKING, Any, TypeAlias
from weakref import WeakKeyDictionary

from horarium.app.result import AsyncResult
from horarium.clock import Seconds
from horarium.contrib.embedding import Embedding
from horarium.contrib.status import status_of
from horarium.errors import EngineUnavailable

if TYPE_CHECKING:
    from horarium.app.app import Horarium

logger = logging.getLogger("horarium.web")

STATE = "horarium"  # under this name the app is in the state of the lifespan, and so of each request
LOOK_EVERY: Seconds = 1.0
LONGEST: Seconds = 600.0

# ASGI's own shapes; Any, since it has no types of its own.
Scope: TypeAlias = MutableMapping[str, Any]
Message: TypeAlias = MutableMapping[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[Message]]
Send: TypeAlias = Callable[[Message], Awaitable[None]]
Application: TypeAlias = Callable[[Any, Any, Any], Awaitable[None]]
Lifespan: TypeAlias = Callable[[Any], AbstractAsyncContextManager[Any]]

_users: WeakKeyDictionary[Horarium, int] = WeakKeyDictionary()  # how many blocks of ``running`` an app is in
_lock = Lock()  # guards _users


@asynccontextmanager
async def running(app: Horarium, *, worker: bool = False, beat: bool = False, **options: Any) -> AsyncIterator[None]:
    """Keep the app's store open for the length of a block, and a worker or a scheduler running if they are wanted.

    For a lifespan of your own. ``options`` are those of Embedding (``concurrency``, ``pool``, ``queues``, ``grace``
    ...). At the end running tasks may finish within their grace; the last block of an app closes its store. A store
    that cannot be reached is waited for by whoever needs it: the application starts all the same. An app that a test
    has put on a store in memory gets no worker: the test has its own. Raises: StoreUnusable, ImproperlyConfigured.
    """
    with _lock:
        _users[app] = _users.get(app, 0) + 1
    embedding: Embedding | None = None
    is_lent = False
    try:
        is_lent = await asyncio.to_thread(_open, app)
        if (worker or beat) and not is_lent:
            embedding = Embedding(app, worker=worker, beat=beat, **options)
            embedding.start()
        yield
    finally:
        if embedding is not None:
            await asyncio.to_thread(embedding.stop)
        with _lock:
            _users[app] -= 1
            is_last = not _users[app]
        if is_last and not is_lent:
            await asyncio.to_thread(app.close)


def lifespan(
    app: Horarium, *, worker: bool = False, beat: bool = False, around: Lifespan | None = None, **options: Any
) -> Lifespan:
    """Return a lifespan for FastAPI or Starlette: ``FastAPI(lifespan=lifespan(app, worker=True, beat=True))``.

    ``around`` is the project's own lifespan: its start-up comes after ours, its shut-down before ours, and its state
    is kept. The rest is as with ``running``. Several web processes may each embed a scheduler: each firing is
    enqueued once.
    """

    @asynccontextmanager
    async def both(web: Any) -> AsyncIterator[Mapping[str, Any]]:
        async with running(app, worker=worker, beat=beat, **options):
            if around is None:
                yield {STATE: app}
            else:
                async with around(web) as state:
                    yield {STATE: app, **(state or {})}

    return both


class WithLifespan:
    """Any ASGI application with ``running`` around its life, whether it has a lifespan of its own or knows of none.

    ``application = WithLifespan(application, app, worker=True)``; a server that speaks no lifespan (``--lifespan off``)
    starts nothing.
    """

    def __init__(self, application: Application, app: Horarium, **options: Any) -> None:
        self.application = application
        self._app = app
        self._options = options

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "lifespan":
            await self.application(scope, receive, send)
            return
        startup = await receive()
        async with AsyncExitStack() as stack:
            try:
                await stack.enter_async_context(running(self._app, **self._options))
            except Exception:
                await send({"type": "lifespan.startup.failed", "message": traceback.format_exc()})
                raise
            if "state" in scope:
                scope["state"][STATE] = self._app
            inner = _Inner(self.application, scope)
            answer = await inner.say(startup)
            await send(answer)
            if answer["type"] != "lifespan.startup.complete":
                return
            farewell = await inner.say(await receive())
        await send(farewell)


class _Inner:
    """The wrapped application's side of the lifespan; one that knows of none agrees to everything."""

    def __init__(self, application: Application, scope: Scope) -> None:
        self._told: asyncio.Queue[Message] = asyncio.Queue()
        self._answers: asyncio.Queue[Message] = asyncio.Queue()
        self._life = asyncio.ensure_future(application(scope, self._told.get, self._answers.put))

    async def say(self, message: Message) -> Message:
        self._told.put_nowait(message)
        answer = asyncio.ensure_future(self._answers.get())
        await asyncio.wait({answer, self._life}, return_when=asyncio.FIRST_COMPLETED)
        if answer.done() or not self._answers.empty():
            return await answer
        answer.cancel()
        error = self._life.exception()
        if error is not None and message["type"] == "lifespan.startup":  # so ASGI lets it say that it has none
            logger.info("the application has no lifespan: %r", error)
        return {"type": f"{message['type']}.complete"}


async def follow(
    result: AsyncResult, *, look_every: Seconds = LOOK_EVERY, longest: Seconds = LONGEST
) -> AsyncIterator[dict[str, Any]]:
    """Yield the status of a run now, at each change of its state or progress, and at its end, which is the last.

    The end is noticed when it happens, changes within ``look_every`` seconds. Ends after ``longest`` seconds in any
    case. A run that is forgotten meanwhile ends it. A store that is away for a while is waited for.
    """
    clock = result.app.connection.clock
    deadline = clock.monotonic() + longest
    seen: dict[str, Any] | None = None
    watch = await asyncio.to_thread(lambda: result.app.connection.watch)
    with watch.watching() as news:
        while (left := deadline - clock.monotonic()) > 0:
            try:
                run = await asyncio.to_thread(lambda: result.run)
            except EngineUnavailable as error:
                logger.warning("run %s cannot be looked at: %s", result.id, error)
                await asyncio.sleep(min(left, look_every))
                continue
            if run is None:
                return
            status = status_of(run)
            if status != seen:
                seen = status
                yield status
            if run.has_ended:
                return
            await news.wait(min(left, look_every))


def _open(app: Horarium) -> bool:
    """Open the store if it can be reached; tell whether it is one that a test has lent the app."""
    try:
        engine = app.connection.engine
        engine.check()
    except EngineUnavailable as error:
        logger.warning("the store cannot be reached yet: %s", error)
        return False
    return not (engine.capabilities.shared or app.connection.urls[0].startswith("memory"))
