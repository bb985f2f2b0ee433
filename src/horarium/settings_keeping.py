"""The settings of what is kept of runs: results, how long and how much, and what nobody may see of it."""

from __future__ import annotations

from horarium.settings_kinds import (
    BYTES,
    BYTES_OR_ZERO,
    COUNT,
    FLAG,
    JSON_ONLY,
    PATTERNS,
    SECONDS,
    SECRET_NAMES,
    Setting,
    or_none,
)

RESULTS = (
    Setting(
        name="result_expires",
        default=86_400.0,
        kind=or_none(SECONDS, zero_too=True),
        doc="How long an ended run and its result stay readable. None or 0: for ever.",
    ),
    Setting(
        name="result_failure_expires",
        default=None,
        kind=or_none(SECONDS),
        doc="The same for runs that failed. None: as `result_expires`.",
    ),
    Setting(
        name="max_result_bytes",
        default=1_048_576,
        kind=BYTES,
        doc="The most that a return value may take as JSON; a larger one fails its task.",
    ),
    Setting(
        name="result_serializer", default="json", kind=JSON_ONLY, doc="Results are JSON; any other name is refused."
    ),
    Setting(name="result_accept_content", default=None, kind=or_none(JSON_ONLY), doc="Only JSON is ever read."),
)

KEEPING = (
    Setting(
        name="keep_runs",
        default=None,
        kind=or_none(COUNT),
        doc="How many ended runs are kept at the most; those that ended first go first, before their time. None: as "
        "many as there are. Those that have not ended are never removed. Workers see to it about once a minute.",
    ),
    Setting(
        name="keep_runs_bytes",
        default=None,
        kind=or_none(BYTES),
        doc="How many bytes ended runs may take, about: what a sample of them takes as JSON tells how many that are; "
        "one stays, however large it is. None: no bound.",
    ),
    Setting(
        name="redaction",
        default=True,
        kind=FLAG,
        doc="Find secrets by name and form, and keep them out of log lines, errors and events, and out of what is "
        "shown. False: only what tasks mark with `redact=`, and values of pydantic's secret types.",
    ),
    Setting(
        name="redact_names",
        default=(),
        kind=SECRET_NAMES,
        doc="More words that name secrets, besides `password`, `token`, `api_key`, `card` and others; with a `-` in "
        "front, a word that does not: `['iban', '-token']`.",
    ),
    Setting(
        name="redact_patterns",
        default=(),
        kind=PATTERNS,
        doc="Regular expressions of secrets, besides those of tokens, card numbers, keys and credentials in URLs.",
    ),
    Setting(
        name="worker_output_limit",
        default=65_536,
        kind=BYTES_OR_ZERO,
        doc="How many bytes of what a run logs and prints are kept with it: half of them of its beginning, half of "
        "its end. 0: none.",
    ),
    Setting(
        name="worker_output_lines",
        default=1000,
        kind=COUNT,
        doc="How many lines of it, in the same way.",
    ),
    Setting(
        name="worker_output_line_bytes",
        default=4096,
        kind=COUNT,
        doc="How long a kept line may be; the middle of a longer one is left out.",
    ),
)
