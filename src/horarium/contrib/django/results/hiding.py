"""What is written down of runs in the project's database or cache: their arguments as people may see them.

Results and errors are as the store has them: programs read them there.
"""

from __future__ import annotations

from collections.abc import Sequence

from msgspec.structs import replace

from horarium.app.archive import Record
from horarium.app.current import current_app
from horarium.observe.redacted import shown_message


def hidden(records: Sequence[Record]) -> list[Record]:
    """Return records without the secrets among the arguments. Whatever runs the task has its own copy of those."""
    app = current_app()
    return [replace(each, run=replace(each.run, message=shown_message(each.run.message, app))) for each in records]
