"""The screen of ``horarium events``: workers and tasks as they are told of, in a terminal."""

from __future__ import annotations

from datetime import datetime
from threading import Thread
from typing import TYPE_CHECKING, Any, ClassVar

from rich.text import Text
from textual.app import App, ComposeResult
from textual.containers import Vertical
from textual.widgets import DataTable, Footer, Header, Static

from horarium.cli.exits import Exit
from horarium.cli.output import STATE_STYLES, short
from horarium.clock import Seconds
from horarium.errors import EngineError
from horarium.observe.finding import plural

if TYPE_CHECKING:
    from horarium.app.app import Horarium
    from horarium.app.event_state import Task

REFRESH_EVERY: Seconds = 0.5
ROWS = 500
TASK_COLUMNS = ("TIME", "STATE", "TASK", "ID", "WORKER", "TOOK", "WHAT")
WORKER_COLUMNS = ("WORKER", "STATUS", "ACTIVE", "PROCESSED", "LOAD", "VERSION")


class Screen(App[int]):
    """Listens in a thread of its own and draws twice a second."""

    TITLE = "horarium events"
    CSS = """
    #summary { padding: 0 1; color: $text-muted; }
    #workers { height: auto; max-height: 30%; }
    #tasks { height: 1fr; }
    #detail { height: auto; max-height: 40%; padding: 0 1; display: none; border-top: solid $accent; }
    #detail.open { display: block; }
    """
    BINDINGS: ClassVar[list[Any]] = [
        ("q", "quit", "Quit"),
        ("p", "pause", "Pause"),
        ("e", "enable", "Enable events"),
        ("c", "cancel", "Cancel run"),
        ("x", "clear", "Forget ended"),
    ]

    def __init__(self, app: Horarium) -> None:
        super().__init__()
        self._horarium = app
        self._state = app.events.State()
        self._receiver = app.events.Receiver(handlers={"*": self._state.event})
        self._trouble = ""
        self._is_paused = False

    def compose(self) -> ComposeResult:
        yield Header(show_clock=True)
        with Vertical():
            yield Static(id="summary")
            yield DataTable(id="workers", cursor_type="none")
            yield DataTable(id="tasks", cursor_type="row", zebra_stripes=True)
            yield Static(id="detail")
        yield Footer()

    def on_mount(self) -> None:
        self.query_one("#workers", DataTable).add_columns(*WORKER_COLUMNS)
        self.query_one("#tasks", DataTable).add_columns(*TASK_COLUMNS)
        self.query_one("#tasks", DataTable).focus()
        Thread(target=self._listen, name="horarium-listen", daemon=True).start()
        self.set_interval(REFRESH_EVERY, self.draw)
        self.draw()

    def draw(self) -> None:
        """Show what is known now."""
        if self._is_paused:
            return
        self._draw_workers()
        self._draw_tasks()
        state = self._state
        parts = [
            plural(state.event_count, "event"),
            plural(len(state.tasks), "task"),
            self._horarium.connection.shown[0],
        ]
        if not state.event_count:
            parts.append("nothing heard yet; workers tell of tasks with -E, or press e")
        self.query_one("#summary", Static).update(" · ".join([*parts, *([self._trouble] if self._trouble else [])]))

    def on_data_table_row_selected(self, event: DataTable.RowSelected) -> None:
        """Show all that is known of a task, or hide it again."""
        detail = self.query_one("#detail", Static)
        task = self._state.tasks.get(event.row_key.value)
        if task is not None:
            lines = [f"{name}: {value}" for name, value in {"uuid": task.uuid, **task.info()}.items()]
            detail.update(Text("\n".join([*lines, *([task.traceback] if task.traceback else [])])))
        detail.toggle_class("open")

    def action_pause(self) -> None:
        self._is_paused = not self._is_paused
        self.sub_title = "paused" if self._is_paused else ""

    def action_enable(self) -> None:
        self._do(lambda: self._horarium.control.enable_events(), "asked all workers for events")

    def action_cancel(self) -> None:
        table = self.query_one("#tasks", DataTable)
        if table.row_count:
            uuid = str(table.coordinate_to_cell_key(table.cursor_coordinate).row_key.value)
            self._do(lambda: self._horarium.control.revoke(uuid), f"cancelled {uuid}, unless it runs or has ended")

    def action_clear(self) -> None:
        self._state.clear_tasks()

    async def action_quit(self) -> None:
        self._receiver.should_stop = True
        self.exit(Exit.OK)

    def _do(self, act: Any, said: str) -> None:
        try:
            act()
        except EngineError as error:
            self.notify(str(error), severity="error")
        else:
            self.notify(said)

    def _listen(self) -> None:
        while not self._receiver.should_stop:
            try:
                self._receiver.capture()
            except EngineError as error:
                self._trouble = f"store: {error}"

    def _draw_workers(self) -> None:
        table = self.query_one("#workers", DataTable)
        table.clear()
        for name, worker in sorted(self._state.workers.items()):
            style = "green" if worker.alive else "red"
            load = " ".join(map(str, worker.loadavg or ()))
            version = f"{worker.sw_ident or ''} {worker.sw_ver or ''}".strip()
            status = Text(worker.status_string, style=style)
            table.add_row(name, status, _shown(worker.active), _shown(worker.processed), load, version)

    def _draw_tasks(self) -> None:
        table = self.query_one("#tasks", DataTable)
        row, top = table.cursor_row, table.scroll_y
        table.clear()
        for uuid, task in self._state.tasks_by_time(limit=ROWS):
            table.add_row(*_row(task), key=uuid)
        if table.row_count:
            table.move_cursor(row=min(row, table.row_count - 1), scroll=False)
            table.scroll_y = top


def watch(app: Horarium) -> int:
    """Show the screen until the person has seen enough; return the exit code."""
    return Screen(app).run() or Exit.OK


def _row(task: Task) -> tuple[Any, ...]:
    moment = datetime.fromtimestamp(task.timestamp).strftime("%H:%M:%S") if task.timestamp else ""
    worker = task.worker.hostname if task.worker is not None else ""
    fields = task.as_dict()
    runtime, what = fields["runtime"], fields["exception"] or fields["result"] or fields["args"]
    return (
        moment,
        Text(task.state, style=STATE_STYLES.get(task.state, "")),
        task.name or "",
        task.uuid,
        worker,
        "" if runtime is None else f"{runtime:.3f} s",
        short(str(what or ""), 60),
    )


def _shown(value: Any) -> str:
    return "" if value is None else str(value)
