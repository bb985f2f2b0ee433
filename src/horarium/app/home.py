"""What a task asks of the app it lives in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from random import Random
from typing import Any, Protocol

from horarium.app.connection import Connection
from horarium.app.definition import Definition
from horarium.app.producer import Producer
from horarium.app.result import AsyncResult, EagerResult
from horarium.app.signature import Signature
from horarium.clock import Instant
from horarium.settings import Settings


class Home(Protocol):
    """The app, as far as its tasks know it."""

    main: str
    conf: Settings
    random: Random
    producer: Producer

    @property
    def connection(self) -> Connection: ...

    def now(self) -> Instant: ...

    def call(
        self, task: Any, args: Sequence[Any], kwargs: Mapping[str, Any], options: Mapping[str, Any]
    ) -> AsyncResult: ...

    def run_inline(
        self, task: Any, args: Sequence[Any], kwargs: Mapping[str, Any], options: Mapping[str, Any]
    ) -> EagerResult: ...

    def send_task(
        self, name: str, args: Sequence[Any] | None = None, kwargs: Mapping[str, Any] | None = None, **options: Any
    ) -> AsyncResult: ...

    def known_task(self, name: str) -> Definition | None: ...

    @property
    def tasks(self) -> Mapping[str, Any]: ...

    def send_signature(self, signature: Signature) -> Any: ...

    def run_signature_inline(self, signature: Signature) -> Any: ...

    def GroupResult(self, id: str, results: Sequence[Any] = ()) -> Any: ...

    def AsyncResult(self, id: str) -> AsyncResult: ...
