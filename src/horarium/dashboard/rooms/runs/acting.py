"""What people may do to one run: run it again, with the same arguments or others; cancel it; stop it; let it run before
or behind others."""

from __future__ import annotations

import msgspec
from msgspec import Raw

from horarium.app.again import RETRY_OF, refusal, repeated
from horarium.dashboard.ask import Ask, Done, Shown, Unanswerable, part
from horarium.dashboard.person import Role
from horarium.dashboard.rooms.runs.place import room
from horarium.errors import CodecError, InvalidArguments
from horarium.message import HIGHEST_PRIORITY, Message, derived_id
from horarium.observe.contents import Contents
from horarium.observe.effects import Effect, cancel, not_cancellable, not_rankable, run_again, set_priority
from horarium.observe.text import json_text
from horarium.outcome import Run
from horarium.redaction import MASK

MOST_BYTES = 256 * 1024  # of arguments that are typed in
MOST_REPEATS = 1000
LOOKED_AT = 20


@room.act("/runs/{id}/retry", role=Role.OPERATOR)
def retry(ask: Ask) -> Done:
    """Run it again as it was. What a second click, or a second person, asks for is not sent twice.

    Raises: Unanswerable."""
    run = known(ask)
    _require(refusal(run), "It was not run again")
    id = next_id(ask, run)
    [effect] = run_again(ask.app, [run], lambda old: repeated(old, ask.now, id=id))
    return _done(run, effect, "Runs again: this is the new run.")


@room.page("/runs/{id}/again", role=Role.OPERATOR, live=False)
def edit(ask: Ask) -> Shown:
    run, contents = known(ask), Contents(ask.app)
    _require(refusal(run), "It cannot run again")
    _require(_unknown(ask, run), "It cannot run with other arguments")
    return _form(run, *_editable(contents.seen(run)), "")


@room.act("/runs/{id}/again", role=Role.OPERATOR)
def retry_with(ask: Ask) -> Done | Shown:
    """Run it again with other arguments: JSON, of a task that this app knows, and fitting its function.

    Raises: Unanswerable."""
    run = known(ask)
    _require(refusal(run), "It was not run again")
    _require(_unknown(ask, run), "It was not run again")
    texts = ask.given("args").strip() or "[]", ask.given("kwargs").strip() or "{}"
    try:
        args, kwargs = _checked(ask, run, *texts)
    except (InvalidArguments, CodecError) as error:
        return _form(run, *texts, str(error))

    def repeat(old: Run) -> Message:
        return msgspec.structs.replace(repeated(old, ask.now), args=args, kwargs=kwargs)

    [effect] = run_again(ask.app, [run], repeat)
    done = _done(run, effect, "Runs again with these arguments: this is the new run.")
    return msgspec.structs.replace(done, after=effect.new)


@room.act("/runs/{id}/cancel", role=Role.OPERATOR)
def cancel_one(ask: Ask) -> Done:
    """Raises: Unanswerable."""
    return _cancelled(ask, terminate=False)


@room.act("/runs/{id}/terminate", role=Role.OPERATOR)
def terminate(ask: Ask) -> Done:
    """Raises: Unanswerable."""
    return _cancelled(ask, terminate=True)


@room.act("/runs/{id}/priority", role=Role.OPERATOR)
def priority(ask: Ask) -> Done:
    """Raises: Unanswerable."""
    run, text = known(ask), ask.given("priority").strip()
    if not (text.isascii() and text.isdigit() and len(text) == 1):
        raise Unanswerable("wrong", f"A priority is a number from 0 to {HIGHEST_PRIORITY}", hint="Higher runs first.")
    _require(not_rankable(run), "Nothing was done")
    effect = set_priority(ask.app, run, int(text))
    return Done(
        text=effect.text[:1].upper() + effect.text[1:] if effect.was_done else f"Nothing was done: {effect.text}",
        to=f"/runs/{part(run.id)}",
        is_good=effect.was_done,
        about=f"run {run.id}",
        before={"priority": run.message.priority},
        after={"priority": int(text)},
    )


def known(ask: Ask) -> Run:
    """Return the run that the address names. Raises: Unanswerable."""
    [run] = ask.engine.results.read([ask.parts["id"]])
    if run is None:
        raise Unanswerable("gone", "Nothing is known of this run", hint="It may have been kept long enough.")
    return run


def next_id(ask: Ask, run: Run) -> str:
    """Return the id that the next repetition of a run has: derived, so that two clicks mean one.

    Raises: Unanswerable when the one before has not ended."""
    for start in range(0, MOST_REPEATS, LOOKED_AT):
        ids = [derived_id("again", run.id, number) for number in range(start, start + LOOKED_AT)]
        for id, other in zip(ids, ask.engine.results.read(ids), strict=True):
            if other is None:
                return id
            if not other.has_ended:
                raise Unanswerable(
                    "conflict", f"It is running again already, as {id}", hint="Nothing was done. Look at that one."
                )
    raise Unanswerable("too much", f"It has run again {MOST_REPEATS} times", hint="Send the task anew.")


def _cancelled(ask: Ask, *, terminate: bool) -> Done:
    run = known(ask)
    _require(not_cancellable(run) if not terminate or run.has_ended else None, "Nothing was done")
    [effect] = cancel(ask.app, [run], terminate=terminate)
    text = effect.text[:1].upper() + effect.text[1:]
    return Done(text=text, to=f"/runs/{part(run.id)}", is_good=effect.was_done, about=f"run {run.id}", before=run.state)


def _done(run: Run, effect: Effect, text: str) -> Done:
    return Done(
        text=text if effect.was_done else effect.text,
        to=f"/runs/{part(effect.new or run.id)}",
        is_good=effect.was_done,
        about=f"run {run.id}",
        before={"state": run.state, "task": run.message.task},
        after={RETRY_OF: run.id, "id": effect.new},
    )


def _require(reason: str | None, what: str) -> None:
    if reason is not None:
        raise Unanswerable(
            "conflict", f"{what}: {reason}", hint="Nothing was done. Reload the page to see it as it is."
        )


def _unknown(ask: Ask, run: Run) -> str | None:
    return (
        None if run.message.task in ask.app.tasks else f"this dashboard's app does not know task {run.message.task!r}"
    )


def _editable(run: Run) -> tuple[str, str]:
    """Return the arguments to be edited. Raises: Unanswerable for more than a form can hold."""
    message = run.message
    if len(bytes(message.args)) + len(bytes(message.kwargs)) > MOST_BYTES:
        raise Unanswerable("too much", f"its arguments have more than {MOST_BYTES:,} bytes", hint="Send the task anew.")
    return json_text(message.args, MOST_BYTES), json_text(message.kwargs, MOST_BYTES)


def _form(run: Run, args: str, kwargs: str, trouble: str) -> Shown:
    context = {"run": run, "args": args, "kwargs": kwargs, "trouble": trouble}
    status = 400 if trouble else 200
    return Shown(template="runs/again.html", title="Run again with other arguments", context=context, status=status)


def _checked(ask: Ask, run: Run, args: str, kwargs: str) -> tuple[Raw, Raw]:
    """Return the arguments as they are stored: the very text, so that numbers keep all their digits.

    Raises: InvalidArguments, CodecError."""
    raws = []
    for name, text, kind, example in (("args", args, list, "[1115]"), ("kwargs", kwargs, dict, '{"full": true}')):
        raw = text.encode("utf-8", "replace")
        if len(raw) > MOST_BYTES:
            raise InvalidArguments(f"expected at most {MOST_BYTES:,} bytes of {name}, got {len(raw):,}; type in less")
        try:
            value = msgspec.json.decode(raw)
        except (msgspec.DecodeError, RecursionError) as error:
            raise InvalidArguments(f"expected {name} to be JSON such as {example}: {error}") from error
        if not isinstance(value, kind):
            raise InvalidArguments(f"expected {name} to be JSON such as {example}, got {text[:60]}")
        raws.append(Contents(ask.app).restored(run, name, Raw(raw)))
    ask.app.tasks[run.message.task].check_stored(raws[0], raws[1])
    # What nobody has edited is sent as it is stored: it may have been shown with parts left out.
    seen = _editable(Contents(ask.app).seen(run))
    stored = run.message.args, run.message.kwargs
    sent = [
        kept if _is_same(text, shown) else raw
        for text, shown, kept, raw in zip((args, kwargs), seen, stored, raws, strict=True)
    ]
    for name, kept, raw in zip(("args", "kwargs"), stored, sent, strict=True):
        if MASK.encode() in bytes(raw) and MASK.encode() not in bytes(kept):
            raise InvalidArguments(
                f"expected {name} without {MASK}, which stands for what is not shown; type the value"
            )
    return sent[0], sent[1]


def _is_same(text: str, shown: str) -> bool:
    """Whether a form's text is what was shown: browsers send other ends of lines."""
    return text.split() == shown.split()
