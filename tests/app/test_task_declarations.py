"""Declarations as Celery's users write them: base classes, class-based tasks, options, hooks, requests by hand."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from horarium.app.app import Horarium
from horarium.app.options import DECLARED, NO_EFFECT, NO_EFFECT_ON_CALL
from horarium.app.producer import OPTIONS
from horarium.app.task import Task
from horarium.clock import ManualClock
from horarium.engines.records import Page, RunFilter
from horarium.errors import ImproperlyConfigured
from horarium.message import Message
from horarium.observe.checks import check_app
from horarium.testing.drain import drain


def stored(app: Horarium, id: str) -> Message:
    (run,) = app.engine.results.read([id])
    assert run is not None
    return run.message


def test_a_base_class_may_have_an_init_of_its_own_row_50(app: Horarium) -> None:
    class Counting(Task):
        abstract = True
        greeting = "hello"

        def __init__(self) -> None:
            self.calls = 0

    @app.task(base=Counting, bind=True, greeting="good morning")
    def greet(self: Any, who: str) -> str:
        self.calls += 1
        return f"{self.greeting} {who} {self.calls}"

    results = [greet.delay("world"), greet.delay("moon")]
    drain(app)
    assert [result.get() for result in results] == ["good morning world 1", "good morning moon 2"]
    assert isinstance(greet, Counting)


def test_a_class_based_task_is_registered_as_a_class_or_as_an_object(app: Horarium) -> None:
    class Greeter(app.Task):  # type: ignore[name-defined, misc]
        name = "shop.greeter"

        def __init__(self) -> None:
            self.greeted = 0

        def run(self, who: str) -> str:
            self.greeted += 1
            return f"hello {who}"

    class Nameless(Task):
        def run(self) -> str:
            return self.name

    greeter = app.register_task(Greeter())
    nameless = app.register_task(Nameless, queue="slow")
    greeted, named = greeter.delay("world"), nameless.delay()
    drain(app)
    assert (greeted.get(), greeter.greeted, greeter("me")) == ("hello world", 1, "hello me")
    assert named.get() == f"{__name__}.Nameless"
    assert stored(app, named.id).queue == "slow"
    assert Greeter.app is app


def test_autoretry_comes_from_the_class_of_a_class_based_task(app: Horarium, clock: ManualClock) -> None:
    class Flaky(Task):
        name = "shop.flaky"
        autoretry_for = (OSError,)
        default_retry_delay = 0
        max_retries = 5

        def run(self, failures: int) -> int:
            if self.request.retries < failures:
                raise OSError("down")
            return self.request.retries

    result = app.register_task(Flaky()).delay(2)
    drain(app)
    assert result.get() == 2


def test_every_option_of_a_declaration_and_of_a_call_is_documented() -> None:
    page = (Path(__file__).parents[2] / "docs" / "reference" / "tasks.md").read_text(encoding="utf-8")
    missing = {name for name in Task.OPTIONS | OPTIONS | Task.HOOKS if f"`{name}`" not in page}
    assert missing - {"run"} == set()


@pytest.mark.parametrize("option", sorted({*NO_EFFECT} - {"Strategy", "Request", "shared", "lazy"}))
def test_celerys_options_of_a_declaration_are_accepted(app: Horarium, option: str) -> None:
    value: Any = True if option in DECLARED else "whatever"

    @app.task(**{option: value})
    def declared() -> int:
        return 1

    result = declared.delay()
    drain(app)
    assert (result.get(), getattr(declared, option)) == (1, value)
    (finding,) = check_app(app)
    assert f"{option} has no effect in Horarium: {NO_EFFECT[option]}" in finding.text


def test_a_retry_keeps_what_its_call_said(app: Horarium, clock: ManualClock) -> None:
    """Workflow semantics, point 15."""

    @app.task(bind=True)
    def flaky(self: Task) -> None:
        raise self.retry(countdown=1)

    headers = {"tenant": "blue", "stamps": {"batch": 1}, "stamped_headers": ["batch"]}
    result = flaky.apply_async((), {}, "own-id", priority=8, expires=600, headers=headers, queue="slow")
    before = stored(app, result.id)
    drain(app)
    after = stored(app, result.id)
    assert (after.id, after.headers, after.priority, after.expires, after.queue) == (
        "own-id",
        headers,
        8,
        before.expires,
        "slow",
    )
    assert (after.retries, result.state) == (1, "RETRY")


def test_celerys_options_of_a_call_are_accepted(app: Horarium) -> None:
    @app.task
    def called() -> int:
        return 1

    result = called.apply_async(**{option: object() for option in NO_EFFECT_ON_CALL}, shadow="other", reply_to="me")
    drain(app)
    assert result.get() == 1
    assert stored(app, result.id).headers == {"shadow": "other", "reply_to": "me"}


def test_the_options_of_the_decorator_are_its_own(app: Horarium) -> None:
    @app.task(shared=False, lazy=False, filter=lambda task: (task, "filtered"))
    def plain() -> int:
        return 1

    task, word = plain  # type: ignore[misc]
    assert (isinstance(task, Task), word) == (True, "filtered")


def test_hooks_may_be_given_as_options(app: Horarium) -> None:
    seen: list[Any] = []

    def note(self: Task, exc: BaseException, task_id: str, args: Any, kwargs: Any, einfo: Any) -> None:
        seen.append((self.name, type(exc), task_id))

    @app.task(on_failure=note)
    def fail() -> None:
        raise ValueError

    result = fail.delay()
    drain(app)
    assert seen == [(fail.name, ValueError, result.id)]


def test_a_routing_key_of_a_declaration_is_its_queue(app: Horarium) -> None:
    @app.task(routing_key="slow")
    def routed() -> None: ...

    assert stored(app, routed.delay().id).queue == "slow"


def test_a_subclass_has_its_word_in_how_it_is_sent(app: Horarium) -> None:
    class Tenant(Task):
        def apply_async(self, args: Any = None, kwargs: Any = None, **options: Any) -> Any:  # type: ignore[override]
            return super().apply_async(args, kwargs, headers={"tenant": "blue"}, **options)

        def shadow_name(self, args: Any, kwargs: Any, options: Any) -> str | None:
            return f"{self.name}({args[0]})"

    @app.task(base=Tenant)
    def owned(x: int) -> None: ...

    assert stored(app, owned.delay(7).id).headers == {"tenant": "blue", "shadow": f"{owned.name}(7)"}


def test_an_attribute_of_ones_own_may_come_from_a_setting(app: Horarium) -> None:
    class Configured(Task):
        from_config = (*Task.from_config, ("keeps", "result_expires"))
        keeps: Any = None

    app.conf.result_expires = 60

    @app.task(base=Configured)
    def configured() -> None: ...

    assert configured.keeps == 60  # type: ignore[attr-defined]


def test_a_task_class_may_be_named_by_its_path() -> None:
    named = Horarium("named", task_cls="horarium.app.abortable:AbortableTask", set_as_current=False)

    @named.task
    def stoppable() -> None: ...

    assert hasattr(stoppable, "is_aborted")
    assert named.Task.bind(named) is named
    with pytest.raises(ImproperlyConfigured, match="task_cls"):
        Horarium("named", task_cls="nowhere:Task", set_as_current=False)


def test_pydantic_models_come_in_as_models_and_go_out_as_dicts(app: Horarium) -> None:
    pydantic = pytest.importorskip("pydantic")
    contexts: list[dict[str, Any]] = []

    class Order(pydantic.BaseModel):  # type: ignore[misc, name-defined]
        number: int
        note: str | None = None

        @pydantic.field_validator("number")
        @classmethod
        def seen(cls, value: int, info: Any) -> int:
            contexts.append(info.context or {})
            return value

    def ship(order, spare=None):  # type: ignore[no-untyped-def]
        return Order(number=order.number + 1) if spare is None else spare

    ship.__annotations__ = {"order": Order, "spare": Order | None}
    task = app.task(
        pydantic=True, pydantic_context={"shop": "blue"}, pydantic_dump_kwargs={"exclude_none": True}, name="shop.ship"
    )(ship)
    strict = app.task(pydantic=True, pydantic_strict=True, name="shop.strict")(ship)
    good, bad, refused = task.delay({"number": "4"}), strict.delay({"number": "4"}), task.delay({"number": "x"})
    drain(app)
    assert good.get() == {"number": 5}
    assert contexts[0] == {"celery_app": app, "celery_task_name": "shop.ship", "shop": "blue"}
    assert (bad.state, refused.state) == ("FAILURE", "FAILURE")
    assert "order to be a Order" in str(bad.result)


def test_a_long_result_is_shown_as_long_as_the_task_says(app: Horarium) -> None:
    @app.task(resultrepr_maxsize=10)
    def long() -> str:
        return "x" * 100

    long.delay()
    (performance,) = drain(app)
    assert performance.text == '"' + "x" * 8 + "…"


def test_a_request_can_be_pushed_to_try_a_task_out(app: Horarium) -> None:
    @app.task(bind=True)
    def asks(self: Task) -> Any:
        return [self.request.id, self.request.root_id, self.request.retries, self.request.called_directly]

    asks.push_request(id="made-up", root_id="root", retries=2, called_directly=False)
    assert asks.run() == ["made-up", "root", 2, False]
    asks.pop_request()
    assert asks.run() == [None, None, 0, True]
    with pytest.raises(LookupError):
        asks.pop_request()


def test_the_request_has_all_that_celerys_has(app: Horarium) -> None:
    @app.task(bind=True)
    def tells(self: Task, *args: Any, **kwargs: Any) -> dict[str, Any]:
        child = quiet.delay()
        request = self.request
        names = (
            "id args kwargs correlation_id retries eta is_eager called_directly hostname delivery_info reply_to shadow "
            "timelimit time_limit soft_time_limit ignore_result replaced_task_nesting stamps stamped_headers logfile "
            "utc task tenant"
        ).split()
        told = {name: getattr(request, name) for name in names}
        told["children"] = [each.id == child.id for each in request.children]
        told["errbacks"] = [link.task for link in request.errbacks]
        told["callbacks"] = [link.task for link in request.callbacks]
        told["got"] = [request.get("tenant"), request.get("nothing", "default")]
        return told

    @app.task
    def quiet() -> None: ...

    headers = {"tenant": "blue", "stamps": {"batch": [1]}, "stamped_headers": ["batch"]}
    result = tells.apply_async(
        (1,), {"two": 2}, headers=headers, time_limit=9, soft_time_limit=8, link=quiet.s(), link_error=[quiet.s()]
    )
    drain(app)
    assert result.get() == {
        "id": result.id,
        "args": [1],
        "kwargs": {"two": 2},
        "correlation_id": result.id,
        "retries": 0,
        "eta": None,
        "is_eager": False,
        "called_directly": False,
        "hostname": "drain",
        "delivery_info": {"exchange": "", "routing_key": "default", "priority": 5, "redelivered": False},
        "reply_to": None,
        "shadow": None,
        "timelimit": [9, 8],
        "time_limit": 9,
        "soft_time_limit": 8,
        "ignore_result": False,
        "replaced_task_nesting": 0,
        "stamps": {"batch": [1]},
        "stamped_headers": ["batch"],
        "logfile": None,
        "utc": True,
        "task": tells.name,
        "tenant": "blue",
        "children": [True],
        "errbacks": [quiet.name],
        "callbacks": [quiet.name],
        "got": ["blue", "default"],
    }


def test_children_are_not_kept_by_those_who_do_not_want_them(app: Horarium) -> None:
    @app.task
    def quiet() -> None: ...

    @app.task(bind=True, trail=False)
    def forgetful(self: Task) -> int:
        quiet.delay()
        return len(self.request.children)

    @app.task(bind=True)
    def choosy(self: Task) -> int:
        quiet.apply_async(add_to_parent=False)
        return len(self.request.children)

    results = [forgetful.delay(), choosy.delay()]
    drain(app)
    assert [result.get() for result in results] == [0, 0]


def test_a_call_can_be_made_again_from_its_request(app: Horarium) -> None:
    @app.task(bind=True)
    def again(self: Task, x: int) -> int:
        if x == 1:
            self.signature_from_request(args=[2], queue="slow").apply_async()
        return x

    again.apply_async((1,), priority=7, headers={"tenant": "blue"})
    drain(app)
    (second,) = [
        run.message
        for run in app.engine.results.search(RunFilter(), Page(limit=100)).runs
        if run.message.queue == "slow"
    ]
    assert (second.priority, second.headers) == (7, {"tenant": "blue"})
