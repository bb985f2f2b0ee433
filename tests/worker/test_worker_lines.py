"""The log lines that people grep for, and the project's own logging left alone."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from horarium import Horarium
from horarium.app.redacting import Redaction
from horarium.app.request import Request, entered
from horarium.engines.memory import MemoryEngine
from horarium.errors import InvalidSetting
from horarium.event import (
    ChildLost,
    Event,
    Finished,
    GivenUp,
    NameShared,
    Received,
    Troubled,
    WorkerReady,
    WorkerStarting,
    WorkerStopped,
)
from horarium.message import Delivery, Message
from horarium.observe import logs
from horarium.observe.lines import Lines
from horarium.outcome import ErrorRecord, Expired, Failed, Outcome, Retried, Revoked, Succeeded
from horarium.settings import Settings

MESSAGE = Message(id="1f-2e", task="shop.charge", created=0)
DELIVERY = Delivery(message=MESSAGE, owner="o", fence=1, attempt=1, claimed=0)
ERROR = ErrorRecord(class_path="builtins.ValueError", text="x", traceback="Traceback ...\nValueError: x\n")


def finished(outcome: Outcome, text: str = "", **options: bool) -> Finished:
    return Finished(delivery=DELIVERY, outcome=outcome, runtime=0.01, result_text=text, **options)


@pytest.mark.parametrize(
    ("event", "level", "line"),
    [
        (Received(delivery=DELIVERY), "INFO", "Task shop.charge[1f-2e] received"),
        (finished(Succeeded(result=None), "3"), "INFO", "Task shop.charge[1f-2e] succeeded in 0.01s: 3"),
        (
            finished(Failed(error=ERROR), "ValueError('x')"),
            "ERROR",
            "Task shop.charge[1f-2e] raised unexpected: ValueError('x')\nTraceback ...\nValueError: x",
        ),
        (
            finished(Failed(error=ERROR), "ValueError('x')", expected=True),
            "INFO",
            "Task shop.charge[1f-2e] raised expected: ValueError('x')",
        ),
        (
            finished(Retried(message=MESSAGE, error=ERROR), "Retry in 3s: ValueError('x')"),
            "INFO",
            "Task shop.charge[1f-2e] retry: Retry in 3s: ValueError('x')",
        ),
        (finished(Revoked(reason="terminated")), "INFO", "Discarding revoked task: shop.charge[1f-2e] (terminated)"),
        (finished(Expired()), "INFO", "Discarding revoked task: shop.charge[1f-2e] (expired)"),
        (
            NameShared(name="w@h", pid=7, host="h"),
            "WARNING",
            "another live worker (pid 7 on h) is named w@h too; give each its own name with -n NAME",
        ),
        (WorkerReady(name="w@h"), "INFO", "w@h ready."),
        (WorkerStopped(name="w@h"), "INFO", "w@h stopped."),
        (WorkerStopped(name="w@h", given_back=("a", "b")), "WARNING", "w@h stopped; given back, to run again: a, b"),
        (Troubled(where="claim", reason="away", wait=0.25), "WARNING", "claim: away; trying again in 0.2 s"),
        (
            ChildLost(pid=7, owner="o", reason="signal 9 (SIGKILL)", running=(("shop.charge", "a"),)),
            "ERROR",
            "child 7 ended unexpectedly: signal 9 (SIGKILL); it was running shop.charge[a]",
        ),
        (
            GivenUp(task="shop.charge", id="a", crashes=1, reason="it ended first (signal 9)"),
            "ERROR",
            "Task shop.charge[a] given up after 1 crash: it ended first (signal 9)",
        ),
    ],
)
def test_an_event_is_the_line_that_people_know(
    event: Event, level: str, line: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Row 124."""
    with caplog.at_level(logging.INFO, "horarium"):
        Lines().tell(event)
    assert [(record.levelname, record.getMessage()) for record in caplog.records] == [(level, line)]


def test_a_long_result_is_shortened(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, "horarium"):
        Lines().tell(finished(Succeeded(result=None), "x" * 5000))
    assert len(caplog.text) < 500


def test_details_are_wanted_only_where_they_would_be_written(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING, "horarium"):
        assert not Lines().is_detailed
    with caplog.at_level(logging.INFO, "horarium"):
        assert Lines().is_detailed


def test_the_banner_names_what_will_run(capsys: pytest.CaptureFixture[str]) -> None:
    Lines().tell(
        WorkerStarting(
            name="w@h",
            app="shop",
            store="sqlite:///s.db",
            pool="process",
            concurrency=2,
            queues=("a", "b"),
            tasks=("t",),
        )
    )
    shown = capsys.readouterr().out
    for words in ("w@h", "shop", "sqlite:///s.db", "2 (process)", "a, b", ". t"):
        assert words in shown


@contextmanager
def bare_root() -> Iterator[logging.Logger]:
    """A root logger as a fresh interpreter has it."""
    root, own = logging.getLogger(), logging.getLogger("horarium")
    before = (list(root.handlers), root.level, own.level)
    root.handlers[:] = []
    try:
        yield root
    finally:
        root.handlers[:] = before[0]
        root.setLevel(before[1])
        own.setLevel(before[2])
        logs.name_process(logs.MAIN_PROCESS)


def test_a_program_without_logging_gets_lines_like_celerys(capsys: pytest.CaptureFixture[str]) -> None:
    with bare_root():
        assert logs.configure("info", Settings())
        logs.name_process("worker-2")
        logging.getLogger("shop").info("sold")
    line = capsys.readouterr().err
    assert line.endswith(": INFO/worker-2] sold\n")
    assert line.startswith("[20")


@pytest.mark.parametrize("case", ["has a handler", "says so"])
def test_a_program_with_logging_of_its_own_is_left_alone(case: str) -> None:
    """Row 125."""
    with bare_root() as root:
        root.setLevel(logging.ERROR)
        if case == "has a handler":
            root.addHandler(logging.NullHandler())
        handlers = list(root.handlers)
        assert not logs.configure("DEBUG", Settings(worker_hijack_root_logger=case != "says so"))
        assert root.handlers == handlers
        assert root.level == logging.ERROR
        assert logging.getLogger("horarium.worker").isEnabledFor(logging.DEBUG)


def test_a_level_that_is_none_is_refused() -> None:
    with bare_root(), pytest.raises(InvalidSetting, match="loglevel"):
        logs.configure("LOUD", Settings())


def test_lines_are_coloured_and_their_times_written_as_the_settings_say(capsys: pytest.CaptureFixture[str]) -> None:
    with bare_root():
        logs.configure("INFO", Settings(worker_log_color=True, worker_log_datefmt="at %Y"), color=False)
        logging.getLogger("shop").error("lost")
        logging.getLogger("shop").info("sold")
    error, info = capsys.readouterr().err.splitlines()
    assert error.startswith("\x1b[31m[at 20") and error.endswith("lost\x1b[0m")
    assert info.startswith("[at 20") and info.endswith("sold")


def test_lines_for_a_file_have_no_colour(capsys: pytest.CaptureFixture[str]) -> None:
    with bare_root():
        logs.configure("INFO", Settings())
        logging.getLogger("shop").error("lost")
    assert "\x1b" not in capsys.readouterr().err


def test_the_lines_of_tasks_have_times_of_their_own() -> None:
    lines = logs.LineFormatter("%(asctime)s %(message)s", "%(asctime)s %(task_name)s", task_times="task %Y")
    record = logging.LogRecord("shop", logging.INFO, "", 0, "said", (), None)
    with entered("shop.charge", Request(DELIVERY)):
        assert lines.format(record).startswith("task 20")
    assert not lines.format(record).startswith("task")


@pytest.mark.parametrize("format", ["%(task_name)s: %(message)s", "%(task_name)s %(funcName)s: %(message)s"])
def test_lines_of_tasks_are_shown_without_secrets_whatever_their_format(format: str) -> None:
    app = Horarium("shop", engine=MemoryEngine(), set_as_current=False)

    @app.task(name="shop.charge")
    def charge(card: str = "") -> None: ...

    request = Request(DELIVERY)
    request.redaction = Redaction(charge, DELIVERY.message)
    lines = logs.LineFormatter("%(message)s", format)

    def shown(text: str, *arguments: object, **fields: object) -> str:
        record = logging.LogRecord(
            "shop", logging.INFO, "", 0, text, arguments, None, func=str(fields.get("func", "f"))
        )
        record.stack_info = fields.get("stack")  # type: ignore[assignment]
        with entered("shop.charge", request):
            return lines.format(record)

    assert shown("order %d waits", 7).endswith(": order 7 waits")
    assert "hunter22" not in shown("password=%s", "hunter22")
    assert "hunter22" not in shown("it stands here", stack="  line: password = 'hunter22'")
    assert "4242 4242" not in shown("card 4242 4242 4242 4242")
    assert "hunter22" not in shown("called", func="password=hunter22")
    app.close()
