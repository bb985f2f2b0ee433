"""What a task is declared with: its function, its name and its options. The base of every task class."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from types import MethodType
from typing import TYPE_CHECKING, Any, ClassVar, Literal, cast

from msgspec import Raw

from horarium import codec
from horarium.app.arguments import Arguments
from horarium.app.options import DECLARED, NO_EFFECT, KeyRule, RateScope, error_classes, misfit
from horarium.clock import Seconds
from horarium.errors import ImproperlyConfigured

if TYPE_CHECKING:
    from datetime import timedelta

CO_COROUTINE = 0x80  # as in the inspect module
_ATTRIBUTES = {"bind": "is_bound"}  # ``bind`` itself is Celery's method
_OF_THE_DECORATOR = frozenset({"shared", "lazy", "filter"})


class Definition:
    """A task's declaration. Class attributes are the defaults; a subclass, and then ``@app.task``, may change them."""

    name: str = ""
    abstract: bool = True  # for readers: a base class; every class may be one
    is_bound: bool = False  # the option ``bind``: the function takes the task itself first
    typing: bool = True  # check the arguments at the call
    max_retries: int | None = 3  # None: for ever
    default_retry_delay: Seconds = 180.0
    autoretry_for: tuple[type[BaseException], ...] = ()
    dont_autoretry_for: tuple[type[BaseException], ...] = ()
    retry_backoff: bool | Seconds = False
    retry_backoff_max: Seconds = 600.0
    retry_jitter: bool = True
    retry_kwargs: Mapping[str, Any] | None = None
    queue: str | None = None
    priority: int | None = None
    time_limit: Seconds | None = None
    soft_time_limit: Seconds | None = None
    expires: Seconds | timedelta | None = None
    acks_late: bool | None = None  # False: at most once
    ignore_result: bool | None = None
    track_started: bool | None = None
    rate_limit: str | float | None = None  # '10/m', a number per second; 0: none, whatever the default says
    rate_limit_scope: RateScope | None = None  # "fleet": all workers together; "worker": each of them
    rate_limit_burst: int | None = None  # so many at once after a pause; None: what comes due in a tenth of a second
    concurrency: int | None = None  # no more of it at once over the fleet; with a key: no more of each key
    concurrency_key: KeyRule | None = None  # what is counted together; see Keys
    unique_for: Seconds | timedelta | None = None  # no second one is stored, so long at the most
    unique_key: KeyRule | None = None  # what makes two calls the same; None: the same arguments
    unique_until: Literal["start", "done"] | None = None  # until the first one is started, or has ended ("done")
    debounce: Seconds | timedelta | None = None  # it runs when no other call has come for so long, with the newest
    serializer: str = "json"
    redact: str | int | Sequence[str | int] = ()  # arguments that nobody may see: their names or places
    throws: tuple[type[BaseException], ...] = ()  # expected failures: logged as such, without a traceback
    trail: bool = True  # keep the handles of what it sends in request.children
    resultrepr_maxsize: int = 1024  # characters of the result in the log
    pydantic: bool = False  # arguments and return value by pydantic's own rules
    pydantic_strict: bool | None = None
    pydantic_context: Mapping[str, Any] | None = None
    pydantic_dump_kwargs: Mapping[str, Any] | None = None
    routing_key: str | None = None  # the same as ``queue``
    # Celery's, accepted and explained (see options.NO_EFFECT).
    send_events: bool = True
    store_errors_even_if_ignored: bool | None = None
    compression: str | None = None
    backend: Any = None
    exchange: Any = None
    delivery_mode: Any = None
    acks_on_failure_or_timeout: bool | None = None
    acks_on_failure: bool | None = None
    acks_on_timeout: bool | None = None
    reject_on_worker_lost: bool | None = None
    retry_on_worker_lost: bool | None = None
    Strategy: Any = None
    Request: Any = None
    # Pairs of an attribute and a setting: an attribute of yours that is None takes the setting's value when the task
    # is declared. The built-in options follow their settings by themselves.
    from_config: tuple[tuple[str, str], ...] = ()
    schedule: Any = None  # a spec, a number of seconds, a timedelta; or an entry of beat_schedule without its task

    OPTIONS: ClassVar[frozenset[str]] = frozenset(
        "name bind typing max_retries default_retry_delay autoretry_for dont_autoretry_for retry_backoff "
        "retry_backoff_max retry_jitter retry_kwargs queue priority time_limit soft_time_limit expires acks_late "
        "ignore_result track_started rate_limit rate_limit_scope rate_limit_burst concurrency concurrency_key "
        "unique_for unique_key unique_until debounce redact serializer throws schedule trail resultrepr_maxsize "
        "pydantic pydantic_strict pydantic_context pydantic_dump_kwargs routing_key shared lazy filter".split()
    ) | frozenset(NO_EFFECT)
    # Functions may be given as options, too; they get the task as their first argument, as methods do.
    HOOKS: ClassVar[frozenset[str]] = frozenset(
        "before_start on_success on_retry on_failure after_return on_replace on_retries_exhausted shadow_name".split()
    )

    function: Callable[..., Any]
    is_async: bool = False  # the function is an ``async def``
    without_effect: tuple[str, ...] = ()  # the options that were given, are accepted and change nothing
    annotated_by: Any = None  # the task_annotations that it was given
    _arguments: Arguments | None = None

    def declare(self, function: Callable[..., Any], options: Mapping[str, Any]) -> None:
        """Make this object the task of a function. Apart from ``__init__``, which is the user's in a class of theirs.

        Raises: ImproperlyConfigured for an option that is not what it may be.
        """
        self.function = function
        self.__doc__ = function.__doc__
        self.__name__ = getattr(function, "__name__", type(self).__name__)
        self.__module__ = getattr(function, "__module__", "")
        self.__wrapped__ = function
        for option, value in options.items():
            if option == "bind":
                self.is_bound = value
            elif option in self.HOOKS and callable(value):
                setattr(self, option, MethodType(value, self))
            elif option not in _OF_THE_DECORATOR:
                setattr(self, option, value)
        if type(self).run is Definition.run:  # so inspect.signature(task.run) tells the function's
            self.__dict__["run"] = MethodType(function, self) if self.is_bound else function
        self.without_effect = tuple(option for option in options if option in NO_EFFECT)
        self.abstract = False
        self.is_async = _is_async(function) or _is_async(type(self).run)
        self._arguments = None
        self.check_options()

    def run(self, *args: Any, **kwargs: Any) -> Any:
        """What the task does: the decorated function; class-based tasks define it."""
        return self.function(self, *args, **kwargs) if self.is_bound else self.function(*args, **kwargs)

    @property
    def arguments(self) -> Arguments:
        """The function's parameters, read once."""
        if self._arguments is None:
            own_run = type(self).run is not Definition.run
            function = self.run if own_run else self.function
            self._arguments = Arguments(self.name, function, skip=1 if self.is_bound and not own_run else 0)
        return self._arguments

    def received(self, args: list[Any], kwargs: dict[str, Any]) -> tuple[list[Any], dict[str, Any]]:
        """Return a call's decoded arguments as the function's hints ask for them. Raises: DecodingError."""
        if self.pydantic:
            from horarium.app.models import validated

            return self.arguments.convert(args, kwargs, by=partial(validated, cast(Any, self)))
        return self.arguments.convert(args, kwargs) if self.typing else (args, kwargs)

    def check_stored(self, args: Raw, kwargs: Raw) -> None:
        """Refuse a stored call that would fail each time, if the task checks its calls.

        Raises: InvalidArguments, DecodingError.
        """
        if self.typing:
            self.arguments.check(codec.decode(args), codec.decode(kwargs))

    def check_options(self) -> None:
        """Refuse options that are not what they may be. Raises: ImproperlyConfigured."""
        wrong = misfit(DECLARED, {option: getattr(self, _ATTRIBUTES.get(option, option)) for option in DECLARED})
        if wrong is not None:
            option, expected, got = wrong
            raise ImproperlyConfigured(
                f"expected {option} of {self.name} to be {expected}, got {got}; mend the declaration"
            )
        for option in ("autoretry_for", "dont_autoretry_for", "throws"):
            setattr(self, option, error_classes(getattr(self, option) or ()))
        soft, hard = self.soft_time_limit, self.time_limit
        if soft is not None and hard is not None and soft > hard:
            raise ImproperlyConfigured(
                f"expected soft_time_limit of {self.name} to be at most its time_limit, got {soft} > {hard}"
            )
        if self.concurrency_key is not None and self.concurrency is None:
            raise ImproperlyConfigured(
                f"expected {self.name} to say concurrency= beside concurrency_key=, got the key; say how many may run "
                "at once"
            )
        if self.serializer != "json":
            raise ImproperlyConfigured(
                f"expected serializer of {self.name} to be 'json', got {self.serializer!r}; Horarium carries JSON only"
            )


def _is_async(function: Callable[..., Any]) -> bool:
    """Tell an ``async def`` by its code; ``inspect`` would cost a slow import."""
    code = getattr(function, "__code__", None)
    return code is not None and bool(code.co_flags & CO_COROUTINE)
