"""The page of all commands that workers understand, made from the panel."""

from __future__ import annotations

from horarium.panel import BUILT_IN, Entry

INTRODUCTION = """\
# Remote control and events

<!-- Made by docs/generate.py from src/horarium/panel.py. -->

`horarium inspect` asks live workers, `horarium control` tells them to change; from Python it is `app.control.inspect()` and
`app.control`. Commands and replies lie in the store, so this works on every engine, over any number of hosts. How to use it:
[control workers](../how-to/control-workers.md).

- **A worker answers itself**, from a thread of its own: a worker that is frozen, or whose store is away, does not answer,
  whatever its last heartbeat says. It answers each command once.
- **Whoever asks knows who lives**, so a reply is complete as soon as all of them have answered: some milliseconds. The timeout
  (1 s) is waited for only if somebody is silent, or nobody lives.
- **A command holds for as long as its sender waits** (a minute, if nobody waits). A worker that learns of it later, because it
  was frozen, does nothing; nor does one that started after a `control` command was given.
- **What the store knows too** (`scheduled`, `reserved`, `revoked`, `query_task`) is told for workers that are silent, and under
  the name `store` where none lives.
- **Bad arguments are answered with an error** and change nothing. Nothing but what stands in these tables can be asked for.
- `worker_enable_remote_control=False` makes a worker deaf.

Workers are named by `-d NAME,NAME`: by name, by `name#pid` where several share a name, or as `celery@host` for all workers of a
host. Exit codes: 0; 1 if a worker answers `control` with an error; 2 for a wrong command; 69 if nobody replies.

"""
NOTES = """
## Shapes

The replies have Celery's keys and types: task infos with `id name args kwargs type hostname time_start acknowledged
delivery_info worker_pid`, `scheduled` with `eta priority request`, `active_queues` with eighteen keys, `stats` with `total pid
clock uptime pool broker prefetch_count rusage`. What differs in meaning:

| | |
|---|---|
| `acknowledged` | always false: a delivery is the worker's until its outcome is recorded |
| `delivery_info.redelivered` | true from the second attempt on |
| `scheduled` | what waits for its eta waits in the store, not in workers: each message is told by one of the workers that read its queue. Periodic tasks are listed by `horarium schedules list` |
| `reserved` | a worker takes no more than it can start within a moment, so this is short; what waits is listed by `horarium runs list --state PENDING` |
| `revoked` | the newest 1,000 cancelled runs of the store, the same from every worker |
| `clock` | the store's time in milliseconds: there is no logical clock |
| `stats`: `broker` | the store; `prefetch_count` is the number of slots, `pool.writes` is `N/A` |
| `election` | taken, and does nothing: no worker leads |
| `hello` | answers `revoked` and `clock`; workers do not greet one another |
| `objgraph` | looks at the supervisor, which runs no task; needs the objgraph library |
| `pool_restart` | fresh children from what the worker imported when it started; with `modules` it is refused: restart the worker for new code |
| `autoscale` | works without `--autoscale` too; the worker follows what is ready in the store |
| `rate_limit` | holds for the whole fleet, and until it is changed again; `0` for no limit |
| `revoke`, `terminate` | hold in the store, so also for workers that start later; `-d` picks who replies. TERM and KILL end the task's process at once; any other signal is sent to it, and it is ended two seconds later |
| `revoke_by_stamped_headers` | finds what waits or runs now; what is sent later with the same stamp is not touched |
| `shutdown` | is answered, then the worker stops as on TERM |

## Python

| | |
|---|---|
| `app.control.inspect(destination, timeout, callback, connection, app, limit, pattern, matcher)` | has a method for each question above; returns `{worker: answer}`, or None if nobody answers. `pattern` is a glob, with `matcher="pcre"` a regular expression |
| `app.control.ping(destination, timeout)` | `[{worker: {"ok": "pong"}}]` |
| `app.control.broadcast(command, arguments, destination, reply=False, timeout=1.0, limit, callback, pattern, matcher)` | any command, also one of your own |
| `app.control.revoke terminate revoke_by_stamped_headers purge discard_all rate_limit time_limit add_consumer cancel_consumer autoscale pool_grow pool_shrink pool_restart heartbeat enable_events disable_events election shutdown` | with Celery's arguments; `reply=True` waits for the workers' answers. `revoke` and its like return the ids that they changed, without `reply` |
| `horarium.worker.control`: `control_command`, `inspect_command`, `Panel` | commands of your own; the function is given the worker as `state` (`state.app`, `state.hostname`, `state.engine`) |

## Events

A worker with `-E` (`worker_send_task_events`), or told so by `control enable_events`, writes what happens to the store's journal,
in batches and from a thread of its own: no task waits for it. Callers add `task-sent` with `task_send_sent_event`. The journal
keeps the newest 10,000 entries.

| Event | Fields besides `type hostname pid clock timestamp utcoffset` |
|---|---|
| `task-sent` | `uuid name args kwargs root_id parent_id retries eta expires queue exchange routing_key` |
| `task-received` | `uuid name args kwargs root_id parent_id retries eta expires` |
| `task-started` | `uuid` |
| `task-succeeded` | `uuid result runtime`; the result is shown as JSON |
| `task-failed`, `task-retried` | `uuid exception traceback` |
| `task-revoked` | `uuid terminated signum expired` |
| `task-rejected` | `uuid requeue` |
| `worker-online`, `worker-heartbeat`, `worker-offline` | `freq active processed loadavg sw_ident sw_ver sw_sys` |

`task-received` and `task-started` come together, since a worker takes what it can start. `clock` is the store's time in
milliseconds, so that events of all hosts can be put in order. Heartbeats are told every two seconds while events are on, and
once when somebody begins to listen. A call in a transaction of your own is not told as sent.

`app.events.Receiver(connection, handlers={...}).capture(limit, timeout, wakeup)`, `app.events.State()` with its `Task` and
`Worker`, and `app.events.Dispatcher()` are used as in Celery; `Receiver.missed` counts how often a reader was too slow for the
journal. `horarium events --dump` writes lines, `horarium events -c shop.cameras.Camera -F 2` hands a snapshot to a subclass of
`horarium.app.camera.Polaroid` every two seconds (`-r 10/m` bounds it), and `horarium events` alone is a full-screen view
(`pip install 'horarium[tui]'`): enter shows a task, `e` switches events on, `c` cancels, `p` pauses, `q` ends.
"""


def remote_page() -> str:
    """Return the page of remote control and events."""
    inspecting = {name: entry for name, entry in BUILT_IN.items() if entry.type == "inspect"}
    controlling = {name: entry for name, entry in BUILT_IN.items() if entry.type == "control"}
    return INTRODUCTION + _table("inspect", inspecting) + "\n" + _table("control", controlling) + NOTES


def _table(kind: str, commands: dict[str, Entry]) -> str:
    rows = "".join(f"| {_call(name, entry)} | {_about(entry)} |\n" for name, entry in sorted(commands.items()))
    return f"## horarium {kind}\n\n| Command | |\n|---|---|\n{rows}"


def _call(name: str, entry: Entry) -> str:
    words = f"{name} {entry.signature}" if entry.signature else name
    return f"`{words}`".replace("|", r"\|")


def _about(entry: Entry) -> str:
    alias = f" Also `{entry.alias}`." if entry.alias else ""
    hidden = "" if entry.visible else " Not listed by `--list`."
    return f"{entry.help}{alias}{hidden}"
