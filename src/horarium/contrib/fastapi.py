"""At home in FastAPI: a lifespan that can embed worker and scheduler, dependencies for calls and results, a router of
runs.

Extra ``fastapi``. Who may ask is the project's to say: give the router ``dependencies``.
"""

# Annotations are not put off here: FastAPI reads those of inner functions, which name what is local to the outer one.
import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Response
from fastapi.params import Depends as Dependency
from pydantic import BaseModel
from starlette.requests import HTTPConnection

from horarium.app.app import Horarium
from horarium.app.result import AsyncResult
from horarium.app.task import Task
from horarium.contrib.asgi import WithLifespan, follow, lifespan, running
from horarium.contrib.starlette import (
    RUN_ROUTE,
    accepted,
    app_of,
    current_status,
    result_of,
    revoked,
    streamed,
    unavailable,
)

__all__ = [
    "Accepted",
    "Queue",
    "RunStatus",
    "WithLifespan",
    "accepted",
    "streamed",
    "unavailable",
    "follow",
    "lifespan",
    "results",
    "router",
    "running",
]


class Accepted(BaseModel):
    """The body of ``accepted``; say ``status_code=202, response_model=Accepted`` for OpenAPI."""

    id: str
    status_url: str | None


class RunError(BaseModel):
    """What a run ended with, if not with a value."""

    type: str
    message: str


class RunProgress(BaseModel):
    """How far a running task says that it is."""

    done: float
    total: float | None
    note: str


class RunStatus(BaseModel):
    """What became of a call."""

    id: str
    task: str
    state: str
    ready: bool
    successful: bool
    result: Any  # whatever the task returned, as JSON
    error: RunError | None
    progress: RunProgress | None
    created: datetime
    started: datetime | None
    ended: datetime | None


class Queue:
    """The dependency of a handler that sends: ``queue: Annotated[Queue, Depends()]``.

    Its app is that of ``lifespan``. Tests may put another in its place with ``dependency_overrides``.
    """

    def __init__(self, connection: HTTPConnection) -> None:
        self.app: Horarium = app_of(connection)

    async def send(self, task: Task | str, *args: Any, **kwargs: Any) -> AsyncResult:
        """Send a task, or one of this name, without blocking the event loop. Raises: as Task.apply_async."""
        return await self.apply_async(task, args, kwargs)

    async def apply_async(
        self, task: Task | str, args: Sequence[Any] = (), kwargs: dict[str, Any] | None = None, **options: Any
    ) -> AsyncResult:
        """The same with the options of a call (``countdown``, ``queue``, ``expires`` ...)."""
        if isinstance(task, str):
            return await asyncio.to_thread(self.app.send_task, task, args, kwargs, **options)
        return await task.aapply_async(args, kwargs, **options)

    async def result(self, task_id: str) -> AsyncResult:
        """Return the handle of a run. Raises: HTTPException 404 for an id that the store does not know."""
        return await result_of(self.app, task_id)


def results(app: Horarium | None = None) -> Callable[..., Awaitable[AsyncResult]]:
    """Return a dependency that turns the path parameter ``task_id`` into the handle of its run, and an unknown id into
    a 404. Without ``app`` it is the app of ``lifespan``."""

    async def result(task_id: str, connection: HTTPConnection) -> AsyncResult:
        return await result_of(app or app_of(connection), task_id)

    return result


def router(
    app: Horarium | None = None,
    *,
    prefix: str = "/tasks",
    revoke: bool = False,
    dependencies: Sequence[Dependency] = (),
) -> APIRouter:
    """Return routes to include: GET PREFIX/{task_id} for status, result and progress, GET PREFIX/{task_id}/events to
    follow it and, with ``revoke``, DELETE PREFIX/{task_id}.

    They are open to whoever reaches them: ``dependencies=[Depends(current_user)]`` is where a project says who may.
    """
    made = APIRouter(prefix=prefix, tags=["tasks"], dependencies=list(dependencies))
    found = results(app)
    unknown: dict[int | str, dict[str, Any]] = {404: {"description": "The store knows no run of this id"}}

    @made.get("/{task_id}", name=RUN_ROUTE, response_model=RunStatus, responses=unknown)
    async def status(result: Annotated[AsyncResult, Depends(found)]) -> dict[str, Any]:
        """Status, result and progress of a run."""
        return await current_status(result)

    @made.get("/{task_id}/events", name="horarium_run_events", response_class=Response, responses=unknown)
    async def stream(result: Annotated[AsyncResult, Depends(found)]) -> Response:
        """Server-sent events: `status` at each change, `end` at the end."""
        return streamed(result)

    if revoke:
        ended: dict[int | str, dict[str, Any]] = {409: {"description": "The run has ended"}}

        @made.delete(
            "/{task_id}",
            name="horarium_run_revoke",
            status_code=202,
            response_model=RunStatus,
            responses=unknown | ended,
        )
        async def cancel(result: Annotated[AsyncResult, Depends(found)], terminate: bool = False) -> dict[str, Any]:
            """Cancel a run; with `terminate` also one that is running."""
            return await revoked(result, terminate=terminate)

    return made
