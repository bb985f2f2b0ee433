"""Traces: from whoever sends to the code that runs, with what a run has sent below it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import StatusCode

from horarium import Horarium, chain
from horarium.contrib.otel import instrument
from horarium.testing import run_until_idle


class Traces:
    """What was exported, and a tracer of the project's own."""

    def __init__(self) -> None:
        self._exporter = InMemorySpanExporter()
        self.provider = TracerProvider()
        self.provider.add_span_processor(SimpleSpanProcessor(self._exporter))
        self.tracer = self.provider.get_tracer("shop")

    def spans(self) -> dict[str, ReadableSpan]:
        return {span.name: span for span in self._exporter.get_finished_spans()}

    def finished(self) -> tuple[ReadableSpan, ...]:
        return self._exporter.get_finished_spans()

    def all(self) -> list[str]:
        return [span.name for span in self.finished()]


@pytest.fixture
def traces() -> Iterator[Traces]:
    found = Traces()
    instrumented = instrument(found.provider)
    yield found
    instrumented.remove()


@pytest.fixture
def app(traces: Traces) -> Iterator[Horarium]:
    with Horarium("shop", store="memory://", set_as_current=False) as made:

        @made.task(name="add")
        def add(a: int, b: int) -> int:
            with traces.tracer.start_as_current_span("inside"):
                return a + b

        @made.task(name="waits")
        async def waits() -> None:
            with traces.tracer.start_as_current_span("inside"):
                pass

        @made.task(name="fails")
        def fails() -> None:
            raise ValueError("no such order")

        @made.task(name="again", bind=True, max_retries=1, default_retry_delay=0)
        def again(self: object) -> None:
            if not self.request.retries:  # type: ignore[attr-defined]
                raise self.retry()  # type: ignore[attr-defined]

        @made.task(name="fans")
        def fans() -> None:
            add.delay(1, 2)

        yield made


def run(app: Horarium) -> None:
    run_until_idle(app)


def parent_of(span: ReadableSpan) -> int | None:
    return span.parent.span_id if span.parent is not None else None


def id_of(span: ReadableSpan) -> int:
    assert span.context is not None
    return span.context.span_id


@pytest.mark.parametrize("task", ["add", "waits"])
def test_a_trace_goes_from_the_sender_through_the_run_into_its_code(
    app: Horarium, traces: Traces, task: str, caplog: pytest.LogCaptureFixture
) -> None:
    with traces.tracer.start_as_current_span("request"):
        app.tasks[task].delay(*((1, 2) if task == "add" else ()))
    run(app)
    spans = traces.spans()
    request, send, ran, inside = (spans[name] for name in ("request", f"send {task}", f"run {task}", "inside"))
    assert parent_of(send) == id_of(request)
    assert parent_of(ran) == id_of(send)
    assert parent_of(inside) == id_of(ran)
    assert {span.context.trace_id for span in spans.values() if span.context} == {request.context.trace_id}  # type: ignore[union-attr]
    assert ran.attributes is not None
    assert ran.attributes["messaging.destination.name"] == "default"
    assert ran.attributes["horarium.state"] == "SUCCESS"
    assert ran.status.status_code is StatusCode.UNSET
    assert [each.getMessage() for each in caplog.records if each.levelname == "ERROR"] == []  # a context left wrongly


def test_no_secret_of_a_call_leaves_with_its_trace(app: Horarium, traces: Traces) -> None:
    @app.task(name="pays", bind=True, max_retries=1, default_retry_delay=0)
    def pays(self: object, password: str) -> None:
        try:
            raise ValueError(f"no money on {password}")
        except ValueError as error:
            raise self.retry(exc=error) from error  # type: ignore[attr-defined]

    pays.delay(password="tiger-4711-x")
    run(app)
    spans = [span for span in traces.finished() if span.name == "run pays"]
    assert [len(span.events) for span in spans] == [2, 1]
    told = "".join(span.to_json() for span in spans)
    assert "no money on [redacted]" in told
    assert "test_otel.py" in told  # its traceback
    assert "tiger-4711-x" not in told


def test_a_failure_marks_its_span_and_keeps_the_exception(app: Horarium, traces: Traces) -> None:
    app.tasks["fails"].delay()
    run(app)
    span = traces.spans()["run fails"]
    assert span.status.status_code is StatusCode.ERROR
    assert span.status.description == "ValueError: no such order"
    assert [event.name for event in span.events] == ["exception"]


def test_each_attempt_has_a_span_and_a_retry_is_no_error(app: Horarium, traces: Traces) -> None:
    app.tasks["again"].delay()
    run(app)
    assert traces.all().count("run again") == 2
    assert all(span.status.status_code is not StatusCode.ERROR for span in traces.spans().values())


def test_what_a_task_sends_and_what_follows_it_is_of_its_trace(app: Horarium, traces: Traces) -> None:
    app.tasks["fans"].delay()
    run(app)
    spans = traces.spans()
    assert parent_of(spans["send add"]) == id_of(spans["run fans"])
    chain(app.tasks["add"].s(1, 2), app.tasks["add"].s(3), app=app).delay()
    run(app)
    assert traces.all().count("run add") == 3


def test_a_run_leaves_no_span_behind_it(app: Horarium, traces: Traces) -> None:
    app.tasks["add"].delay(1, 2)
    run(app)
    assert not trace.get_current_span().get_span_context().is_valid


def test_removed_it_traces_no_more(app: Horarium) -> None:
    found = Traces()
    instrumented = instrument(found.provider)
    instrumented.remove()
    instrumented.remove()
    app.tasks["add"].delay(1, 2)
    run(app)
    assert found.all() == []
