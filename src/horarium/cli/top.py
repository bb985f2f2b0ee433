"""The screen of ``horarium top``: how things go, in a terminal, with what an operator does most at hand."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, ClassVar

from msgspec import Struct
from rich.text import Text
from textual import work
from textual.app import App, ComposeResult
from textual.binding import Binding
from textual.containers import Horizontal, Vertical
from textual.screen import ModalScreen
from textual.widgets import DataTable, Footer, Header, Label, Static

from horarium.app.again import refusal, send_again
from horarium.app.switches import Switches
from horarium.cli.exits import Exit
from horarium.cli.output import STATE_STYLES, short
from horarium.clock import Instant, Seconds
from horarium.engines.records import Page, RunFilter
from horarium.errors import EngineError, HorariumError
from horarium.observe.finding import plural
from horarium.observe.glance import Glance, glance
from horarium.observe.looks import look_of, shown_state
from horarium.observe.moments import day_and_time, span
from horarium.observe.queues import Flow, QueueRow, flows, queue_rows
from horarium.observe.text import one_line
from horarium.observe.upcoming import NextHour, next_hour
from horarium.observe.workers import WorkerRow, worker_rows
from horarium.outcome import Run

if TYPE_CHECKING:
    from horarium.app.app import Horarium

REFRESH_EVERY: Seconds = 1.0
RUNS = 100
SPARKS = "▁▂▃▄▅▆▇█"
QUEUE_COLUMNS = ("QUEUE", "READY", "IN/s", "OUT/s", "OLDEST", "EMPTY IN", "WORKERS")
WORKER_COLUMNS = ("WORKER", "SLOTS", "RUNS", "AGE", "MB", "DONE")
RUN_COLUMNS = ("STATE", "TASK", "ID", "QUEUE", "WAITED", "RAN", "SENT")


class Seen(Struct, frozen=True, kw_only=True):
    """Everything that the screen shows of one moment."""

    now: Instant
    glance: Glance
    queues: list[QueueRow]
    flows: dict[str, Flow]
    workers: list[WorkerRow]
    next_hour: NextHour
    runs: tuple[Run, ...]


def look(app: Horarium) -> Seen:
    """Read the store once. Raises: EngineUnavailable."""
    engine = app.engine
    now = engine.now()
    queues = queue_rows(engine, now=now)
    return Seen(
        now=now,
        glance=glance(engine.series, {row.name: row.counts for row in queues}, now=now),
        queues=queues,
        flows=flows(engine.series, queues, now=now),
        workers=worker_rows(engine, now=now),
        next_hour=next_hour(engine, now=now),
        runs=engine.results.search(RunFilter(), Page(limit=RUNS)).runs,
    )


class Ask(ModalScreen[bool]):
    """A question before something is changed: y or Enter is yes, anything else is no."""

    CSS = "Ask { align: center middle; } #question { border: thick $accent; padding: 1 3; width: auto; height: auto; }"

    def __init__(self, question: str) -> None:
        super().__init__()
        self._question = question

    def compose(self) -> ComposeResult:
        yield Label(Text(f"{self._question}\n\n[y] yes   [n] no"), id="question")

    def on_key(self, event: Any) -> None:
        event.stop()
        self.dismiss(event.key in ("y", "enter"))


class Top(App[int]):
    """Looks once a second, in a thread; a store that is away leaves what was seen last."""

    TITLE = "horarium top"
    CSS = """
    #summary { padding: 0 1; height: auto; }
    #tables { height: 45%; }
    #queues, #workers { width: 1fr; }
    #runs { height: 1fr; border-top: solid $accent; }
    #trouble { padding: 0 1; color: $error; display: none; }
    #trouble.on { display: block; }
    """
    BINDINGS: ClassVar[list[Any]] = [
        Binding("q", "quit", "Quit"),
        Binding("tab", "focus_next", "Next table", show=False),
        Binding("p", "pause", "Pause/resume queue"),
        Binding("e", "retry", "Run again"),
        Binding("c", "cancel", "Cancel"),
        Binding("d", "drain", "Stop worker"),
        Binding("space", "hold", "Hold"),
    ]

    def __init__(self, app: Horarium, zone: str) -> None:
        super().__init__()
        self._horarium = app
        self._zone = zone
        self._seen: Seen | None = None
        self._is_held = False

    def compose(self) -> ComposeResult:
        yield Header()
        with Vertical():
            yield Static(id="summary")
            yield Static(id="trouble")
            with Horizontal(id="tables"):
                yield DataTable(id="queues", cursor_type="row", zebra_stripes=True)
                yield DataTable(id="workers", cursor_type="row", zebra_stripes=True)
            yield DataTable(id="runs", cursor_type="row", zebra_stripes=True)
        yield Footer()

    def on_mount(self) -> None:
        for name, columns in (("queues", QUEUE_COLUMNS), ("workers", WORKER_COLUMNS), ("runs", RUN_COLUMNS)):
            self._table(name).add_columns(*columns)
        self._table("runs").focus()
        self.set_interval(REFRESH_EVERY, self.refresh_all)
        self.refresh_all()

    @work(thread=True, exclusive=True, group="look")
    def refresh_all(self) -> None:
        """Look at the store and show what is there."""
        if self._is_held:
            return
        try:
            seen = look(self._horarium)
        except EngineError as error:
            self.call_from_thread(self._tell_trouble, f"store: {error}")
        else:
            self.call_from_thread(self._show, seen)

    def action_hold(self) -> None:
        self._is_held = not self._is_held
        self.sub_title = "held" if self._is_held else ""

    def action_pause(self) -> None:
        if (name := self._chosen("queues")) is None or self._seen is None:
            return
        row = next((row for row in self._seen.queues if row.name == name), None)
        switches = Switches(self._horarium.connection)
        if row is not None and row.paused is not None:
            self._do(f"Resume queue {name}?", lambda: _told(switches.resume_queue(name), f"resumed {name}"))
        else:
            reason = "paused in horarium top"
            self._do(
                f"Pause queue {name}? What runs goes on.",
                lambda: _told(switches.pause_queue(name, reason=reason, by=None), f"paused {name}"),
            )

    def action_retry(self) -> None:
        if (id := self._chosen("runs")) is not None:
            self._do(f"Run {id} again?", lambda: self._retry(id))

    def action_cancel(self) -> None:
        if (id := self._chosen("runs")) is not None:
            self._do(f"Cancel {id}? If it runs, it is stopped.", lambda: self._cancel(id))

    def action_drain(self) -> None:
        if (name := self._chosen("workers")) is not None:
            self._do(f"Stop {name}? What runs may end.", lambda: self._stop(name))

    async def action_quit(self) -> None:
        self.exit(Exit.OK)

    def _do(self, question: str, act: Callable[[], str]) -> None:
        """Ask, act, and tell what became of it."""

        def answered(is_wanted: bool | None) -> None:
            if is_wanted:
                self._carry_out(act)

        self.push_screen(Ask(question), answered)

    @work(thread=True, group="act")
    def _carry_out(self, act: Callable[[], str]) -> None:
        try:
            said, severity = act(), "information"
        except HorariumError as error:
            said, severity = str(error), "error"
        self.call_from_thread(self.notify, said, severity=severity, markup=False)
        self.call_from_thread(self.refresh_all)

    def _retry(self, id: str) -> str:
        engine = self._horarium.engine
        [run] = engine.results.read([id])
        reason = refusal(run) if run is not None else "nothing is known of it"
        if run is None or reason is not None:
            return f"not sent again: {reason}"
        [(message, placed)] = send_again(engine, [run])
        return f"sent again as {message.id}" if placed is True else f"run {placed} of the same unique key stands for it"

    def _stop(self, name: str) -> str:
        engine = self._horarium.engine
        row = next((row for row in worker_rows(engine, now=engine.now()) if name in (row.key, row.address)), None)
        if row is None or not row.record.alive:
            return f"nothing done: {name} is gone already"
        if not row.key:
            return f"nothing done: {name} takes no commands; end the {row.kind} where it was started"
        self._horarium.control.shutdown(destination=[name])
        return f"asked {name} to stop"

    def _cancel(self, id: str) -> str:
        changed = self._horarium.control.revoke(id, terminate=True)
        return f"cancelled {id}" if changed else "nothing done: it has ended, or is to be cancelled already"

    def _tell_trouble(self, text: str) -> None:
        trouble = self.query_one("#trouble", Static)
        trouble.update(Text(f"{text} · what is below is old"))
        trouble.add_class("on")

    def _show(self, seen: Seen) -> None:
        self._seen = seen
        self.query_one("#trouble", Static).remove_class("on")
        self.query_one("#summary", Static).update(self._summary(seen))
        self._fill("queues", [(row.name, _queue(row, seen.flows.get(row.name, Flow()))) for row in seen.queues])
        self._fill("workers", [(row.key or row.address, _worker(row, seen.now)) for row in seen.workers])
        self._fill("runs", [(run.id, _run(run, seen.now, self._zone)) for run in seen.runs])

    def _summary(self, seen: Seen) -> Text:
        at, shown = seen.glance, self._horarium.connection.shown[0]
        schedulers = sum(row.kind == "scheduler" and row.record.alive for row in seen.workers)
        share = f"fail {at.failed:.1%}" if at.failed is not None else "nothing failed"
        lines = [
            f"{shown} · {plural(schedulers, 'scheduler')} · {day_and_time(seen.now, self._zone, now=seen.now)}",
            f"{at.per_minute:.0f}/min {_sparks(at.rates)}  {share}  p95 {_span(at.p95)}  oldest {_span(at.oldest)} "
            f"{one_line(at.oldest_queue)}".rstrip(),
            self._soon(seen),
        ]
        return Text("\n".join(lines))

    def _soon(self, seen: Seen) -> str:
        first = next(iter(seen.next_hour.minutes), None)
        if first is None:
            return "nothing fires within the hour"
        names = ", ".join(map(one_line, first.schedules[:3]))
        return f"next: {names} at {day_and_time(first.at, self._zone, now=seen.now)}"

    def _fill(self, name: str, rows: list[tuple[str, tuple[Any, ...]]]) -> None:
        """Show rows; the cursor stays on its row as long as that is there."""
        table = self._table(name)
        chosen, top = self._chosen(name), table.scroll_y
        table.clear()
        for key, cells in rows:
            table.add_row(*cells, key=key)
        keys = [key for key, _ in rows]
        if keys:
            table.move_cursor(row=keys.index(chosen) if chosen in keys else 0, scroll=False)
            table.scroll_y = top

    def _table(self, name: str) -> DataTable[Any]:
        return self.query_one(f"#{name}", DataTable)

    def _chosen(self, name: str) -> str | None:
        """Return what the cursor of a table is on."""
        table = self._table(name)
        return str(table.coordinate_to_cell_key(table.cursor_coordinate).row_key.value) if table.row_count else None


def watch(app: Horarium, zone: str) -> int:
    """Show the screen until the person has seen enough; return the exit code."""
    return Top(app, zone).run() or Exit.OK


def _queue(row: QueueRow, flow: Flow) -> tuple[Any, ...]:
    name = Text(f"{short(one_line(row.name), 30)} ❚❚" if row.paused else short(one_line(row.name), 30))
    readers = Text(str(len(row.read_by)), style="red" if row.is_unread else "")
    empty = "paused" if row.paused else _span(flow.until_empty) if flow.until_empty else "–"
    return name, f"{row.counts.ready:,}", f"{flow.came:.1f}", f"{flow.left:.1f}", _span(row.oldest), empty, readers


def _worker(row: WorkerRow, now: Instant) -> tuple[Any, ...]:
    style = "green" if row.record.alive else "red" if row.is_silent else "dim"
    longest = min((each.started for each in row.running), default=None)
    runs = ", ".join(short(one_line(each.task), 24) for each in row.running[:2])
    return (
        Text(short(one_line(row.name), 30), style=style),
        f"{len(row.running)}/{row.slots}" if row.kind == "worker" else row.kind,
        Text(runs),
        _span(None if longest is None else (now - longest) / 1000),
        str(row.megabytes or ""),
        f"{row.processed:,}",
    )


def _run(run: Run, now: Instant, zone: str) -> tuple[Any, ...]:
    state = look_of(shown_state(run, now))
    waited = None if run.started is None else max(run.started - run.message.due, 0) / 1000
    return (
        Text(f"{state.sign} {state.word}", style=STATE_STYLES.get(run.state, "")),
        Text(short(one_line(run.message.task), 40)),
        run.id,
        Text(short(one_line(run.message.queue), 20)),
        _span(waited),
        _span(run.took),
        day_and_time(run.message.created, zone, now=now),
    )


def _span(seconds: Seconds | None) -> str:
    return "–" if seconds is None else span(seconds)


def _sparks(values: list[float | None]) -> str:
    most = max((value or 0.0 for value in values), default=0.0)
    if not most:
        return ""
    return "".join(SPARKS[min(int((value or 0.0) / most * len(SPARKS)), len(SPARKS) - 1)] for value in values)


def _told(_: object, text: str) -> str:
    return text
