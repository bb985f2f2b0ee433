"""Runs signatures and canvases here and now, and returns what they came to."""

from __future__ import annotations

from typing import Any

from msgspec.structs import replace

from horarium.app import inline
from horarium.app.canvas import Canvas
from horarium.app.lineage import Answer
from horarium.app.mapping import chunks
from horarium.app.result import EagerResult
from horarium.app.result_set import GroupResult
from horarium.app.sending import lay_out
from horarium.app.signature import Signature
from horarium.app.stamping import in_headers
from horarium.app.working_off import run_messages
from horarium.engines.memory import MemoryEngine
from horarium.workflow.plan import Bundle, Leaf, Node


def run_signature_inline(app: Any, signature: Signature) -> Answer:
    """Run a signature to its end and return what it came to; ``throw=True`` raises its failure. Raises: as sending
    does; NotRegistered for a task that is not defined here."""
    if isinstance(signature, chunks):
        signature = signature.group()
    if not isinstance(signature, Canvas):
        options = in_headers(signature.options)
        return inline.run_inline(app.tasks[signature.name], signature.args, signature.kwargs, options)
    throw = signature.options.get("throw", app.conf.task_eager_propagates)
    if "throw" in signature.options:
        signature = signature.clone()
        del signature.options["throw"]
    workflow = lay_out(app, signature)
    engine = run_messages(app, workflow.messages)
    answer = _result_of(app, workflow.node, engine)
    if throw:
        result: Any = answer  # an EagerResult, or a GroupResult of such
        result.get(disable_sync_subtasks=False)
    return answer


def _result_of(app: Any, node: Node, engine: MemoryEngine) -> Answer:
    parent: Answer | None = None
    line: list[Node] = [node]
    while line[-1].parent is not None:
        line.append(line[-1].parent)
    for here in reversed(line):
        match here:
            case Leaf(id=id):
                [run] = engine.results.read([id])
                assert run is not None  # it was put
                result: Answer = EagerResult(run.id, app=app, run=run)
                result.parent = parent
            case Bundle(id=id, members=members):
                inner = [_result_of(app, replace(member, parent=None), engine) for member in members]
                result = GroupResult(id, inner, app=app, parent=parent)
        parent = result
    assert parent is not None  # there is at least the node itself
    return parent
