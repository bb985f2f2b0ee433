"""Every setting that Horarium honours: its name, default, what it may be, and one line about it.

``docs/reference/settings.md`` is made from this table. Names and units are Celery's where Celery has the setting.
"""

from __future__ import annotations

from horarium.address import SAME_STORE
from horarium.settings_keeping import KEEPING, RESULTS
from horarium.settings_kinds import (
    ALERTS,
    ANNOTATIONS,
    BOUNDS,
    BYTES,
    COUNT,
    FLAG,
    HIGHEST,
    JSON_ONLY,
    KIBIBYTES,
    LOG_LEVEL,
    MODULES,
    POOL,
    PRIORITY,
    QUEUES,
    RATE,
    RESULTS_URL,
    ROUTES,
    SCHEDULES,
    SECONDS,
    STORE_URL,
    TEXT,
    USERS,
    WAIT,
    WEIGHTS,
    ZONE,
    Setting,
    one_of,
    or_none,
)

STORE_AND_CODE = (
    Setting(
        name="store",
        default="sqlite:///horarium.db",
        kind=STORE_URL,
        doc="Where messages, runs and schedules are kept: `sqlite:///file.db` on one host, `redis://host:6379/0` or "
        "`postgresql://user:password@host/database` for many hosts, `memory://` for tests. `broker_url` (Celery) "
        "means the same.",
    ),
    Setting(
        name="result_backend",
        default=SAME_STORE,
        kind=RESULTS_URL,
        doc="Where ended runs and their results are remembered: `'store'` where the messages are, the URL of another "
        "store, or None for no results at all. `'django-db'` and `'django-cache'`: in the store, and besides in "
        "Django's table TaskResult or one of its caches, for programs that read them there.",
    ),
    Setting(
        name="cache_backend",
        default=None,
        kind=or_none(TEXT),
        doc="The name of the cache, in Django's `CACHES`, that `result_backend='django-cache'` writes to. None: "
        "`default`.",
    ),
    Setting(
        name="durability",
        default="full",
        kind=one_of("full", "relaxed"),
        doc="`full`: what was accepted survives a power cut, as far as the store allows; what in its configuration "
        "does not is told at the start and by `horarium doctor`. `relaxed`: it survives every crash of a client, and "
        "the last moments before a power cut may be lost; faster. What that means for each store stands in "
        "[promises](../why/promises.md).",
    ),
    Setting(
        name="include",
        default=(),
        kind=MODULES,
        doc="Modules that define tasks; workers, schedulers and the command line import them.",
    ),
    Setting(name="imports", default=(), kind=MODULES, doc="The same as `include`; both are imported."),
    Setting(
        name="environment",
        default=None,
        kind=or_none(TEXT),
        doc="What this installation is: `production`, `staging`, `dev` and the like. The dashboard says it beside the "
        "app's name, each kind in a colour of its own, so that nobody mistakes one for another.",
    ),
)

TIME_AND_SCHEDULES = (
    Setting(
        name="timezone",
        default="UTC",
        kind=ZONE,
        doc="The zone in which schedules are meant that name none.",
    ),
    Setting(
        name="enable_utc",
        default=True,
        kind=FLAG,
        doc="Accepted for Celery's sake: instants are always kept in UTC, and `timezone` alone says how schedules are "
        "read.",
    ),
    Setting(
        name="beat_schedule",
        default={},
        kind=SCHEDULES,
        doc="The schedules that are defined in code.",
    ),
    Setting(
        name="beat_scheduler",
        default=None,
        kind=or_none(TEXT),
        doc="Where schedules are defined: None, in the code (`beat_schedule` and its like); `django`, in the tables of "
        "`horarium.contrib.django.beat`, which the admin edits. Celery's names of schedulers are understood. Any "
        "number of schedulers may run either way.",
    ),
    Setting(
        name="beat_max_loop_interval",
        default=0.0,
        kind=WAIT,
        doc="The longest time that a scheduler sleeps without looking at the store. 0: its own choice.",
    ),
    Setting(
        name="beat_cron_starting_deadline",
        default=None,
        kind=or_none(SECONDS),
        doc="The `catchup_window` of those crontab schedules in code that name none: a firing that is later than so "
        "many seconds is left out.",
    ),
)

TASKS = (
    Setting(
        name="task_default_queue",
        default="default",
        kind=TEXT,
        doc="The queue of tasks for which neither the call, the task nor a route names one.",
    ),
    Setting(
        name="task_default_priority",
        default=5,
        kind=PRIORITY,
        doc="The priority of tasks that name none. Higher runs first.",
    ),
    Setting(
        name="task_priority_scheme",
        default="horarium",
        kind=one_of("horarium", "redis", "rabbitmq"),
        doc="How calls, declarations and routes write priorities: as here, or as Celery has them on `redis` (0 first) "
        "or `rabbitmq` (highest first).",
    ),
    Setting(
        name="task_queue_max_priority",
        default=None,
        kind=or_none(HIGHEST),
        doc="The highest priority that a project written for RabbitMQ uses; needs `task_priority_scheme`.",
    ),
    Setting(
        name="task_inherit_parent_priority",
        default=False,
        kind=FLAG,
        doc="Tasks called by a task run at its priority, unless call, declaration or route name one.",
    ),
    Setting(
        name="task_queues",
        default=None,
        kind=or_none(QUEUES),
        doc="The queues there are. A worker that is told none reads these and the default one.",
    ),
    Setting(
        name="task_create_missing_queues",
        default=True,
        kind=FLAG,
        doc="False: a call to a queue that is neither in `task_queues` nor the default one is refused with "
        "QueueNotFound.",
    ),
    Setting(
        name="task_routes",
        default=None,
        kind=or_none(ROUTES),
        doc="Which task goes to which queue: by name, glob (`shop.*`), compiled regular expression, a function, or an "
        "object with `route_for_task`.",
    ),
    Setting(
        name="task_annotations",
        default=None,
        kind=or_none(ANNOTATIONS),
        doc="Options of tasks, chosen here instead of where they are declared: by name, or `*` for all; a name wins.",
    ),
    Setting(
        name="task_default_rate_limit",
        default=None,
        kind=or_none(RATE),
        doc="The `rate_limit` of tasks that name none.",
    ),
    Setting(
        name="task_rate_limit_scope",
        default="fleet",
        kind=one_of("fleet", "worker"),
        doc="What a `rate_limit` counts: the starts of all workers together, or those of each, as in Celery.",
    ),
    Setting(
        name="task_time_limit",
        default=None,
        kind=or_none(SECONDS),
        doc="A task that runs longer is ended by force and fails with TimeLimitExceeded.",
    ),
    Setting(
        name="task_soft_time_limit",
        default=None,
        kind=or_none(SECONDS),
        doc="In a task that runs longer SoftTimeLimitExceeded is raised, which it may catch to tidy up.",
    ),
    Setting(name="task_track_started", default=False, kind=FLAG, doc="Record the state STARTED for every task."),
    Setting(
        name="task_ignore_result",
        default=False,
        kind=FLAG,
        doc="Keep no return values, except of tasks that say otherwise.",
    ),
    Setting(
        name="task_acks_late",
        default=None,
        kind=or_none(FLAG),
        doc="None or True: at least once, a task whose process dies runs again. False: at most once, it is lost "
        "with its process.",
    ),
    Setting(
        name="task_publish_timeout",
        default=5.0,
        kind=SECONDS,
        doc="The deadline of a publish, all its tries included: `delay()` returns or raises within it.",
    ),
    Setting(
        name="task_send_sent_event",
        default=False,
        kind=FLAG,
        doc="Let callers write the event `task-sent` to the store's journal.",
    ),
    Setting(
        name="task_always_eager",
        default=False,
        kind=FLAG,
        doc="Run tasks at the call, in the caller's process, with no store (for tests).",
    ),
    Setting(
        name="task_eager_propagates",
        default=False,
        kind=FLAG,
        doc="Let the errors of eager tasks out of the call.",
    ),
    Setting(
        name="task_store_eager_result",
        default=False,
        kind=FLAG,
        doc="Store the records of runs that were made at the call, too; this needs the store.",
    ),
    Setting(
        name="max_payload_bytes",
        default=1_048_576,
        kind=BYTES,
        doc="The most that a call's arguments may take as JSON; larger ones are refused at the call.",
    ),
    Setting(
        name="task_allow_error_cb_on_chord_header",
        default=False,
        kind=FLAG,
        doc="An errback of a chord is called by each task of its header that fails, too, and not by its body alone.",
    ),
    Setting(
        name="task_serializer", default="json", kind=JSON_ONLY, doc="Arguments are JSON; any other name is refused."
    ),
    Setting(name="accept_content", default=("json",), kind=JSON_ONLY, doc="Only JSON is ever read."),
)

WORKER = (
    Setting(
        name="worker_concurrency",
        default=None,
        kind=or_none(COUNT, zero_too=True),
        doc="How many tasks a worker runs at once. None or 0: as many as it has CPUs, by cgroup and affinity.",
    ),
    Setting(
        name="worker_pool",
        default="process",
        kind=POOL,
        doc="Where tasks run: in processes (Celery: prefork), in threads, on an event loop, or one by one (`solo`).",
    ),
    Setting(
        name="worker_queue_order",
        default="together",
        kind=one_of("together", "strict"),
        doc="Whether a worker takes from its queues as from one, or from each only when those before it are empty.",
    ),
    Setting(
        name="worker_queue_weights",
        default=None,
        kind=or_none(WEIGHTS),
        doc="The shares of queues in what is started, while each has something waiting: `{'high': 5, 'low': 1}`.",
    ),
    Setting(
        name="worker_max_tasks_per_child",
        default=None,
        kind=or_none(COUNT, zero_too=True),
        doc="A child process is replaced after so many tasks.",
    ),
    Setting(
        name="worker_max_memory_per_child",
        default=None,
        kind=or_none(KIBIBYTES, zero_too=True),
        doc="A child process that uses more memory than so many KiB is replaced after the task it runs.",
    ),
    Setting(
        name="worker_lease",
        default=10.0,
        kind=SECONDS,
        doc="How long a worker may be silent before its tasks are given to others.",
    ),
    Setting(
        name="worker_sweep",
        default=5.0,
        kind=SECONDS,
        doc="How often silent workers are looked for, and expired runs removed.",
    ),
    Setting(
        name="worker_grace",
        default=8.0,
        kind=WAIT,
        doc="How long running tasks may go on after TERM before they are given back. `docker stop` waits 10 s.",
    ),
    Setting(
        name="worker_crash_limit",
        default=3,
        kind=COUNT,
        doc="A task whose process has died so many times is not started again (state DEAD).",
    ),
    Setting(
        name="worker_autoscaler",
        default=None,
        kind=or_none(BOUNDS),
        doc="`(most, fewest)`: how many slots a worker may have; it scales between them by what is ready in its "
        "queues. None: `worker_concurrency`, always. `worker --autoscale most,fewest` means the same.",
    ),
    Setting(
        name="worker_send_task_events",
        default=False,
        kind=FLAG,
        doc="Write the events of tasks and heartbeats to the store's journal, for `horarium events` and "
        "`app.events`. `worker -E` means the same.",
    ),
    Setting(
        name="worker_enable_remote_control",
        default=True,
        kind=FLAG,
        doc="Let workers answer `horarium inspect` and `horarium control`.",
    ),
    Setting(
        name="worker_disable_rate_limits",
        default=False,
        kind=FLAG,
        doc="Let tasks run as fast as the slots allow, whatever their `rate_limit`.",
    ),
    Setting(
        name="worker_loglevel",
        default="INFO",
        kind=LOG_LEVEL,
        doc="The log level of a worker that is told none on its command line.",
    ),
    Setting(
        name="worker_hijack_root_logger",
        default=True,
        kind=FLAG,
        doc="Give the root logger of worker processes a handler where the program has set up none.",
    ),
    Setting(
        name="worker_redirect_stdouts",
        default=True,
        kind=FLAG,
        doc="Turn what tasks print into log lines.",
    ),
    Setting(
        name="worker_redirect_stdouts_level",
        default="WARNING",
        kind=LOG_LEVEL,
        doc="The level of those lines.",
    ),
    Setting(
        name="worker_log_format",
        default="[%(asctime)s: %(levelname)s/%(processName)s] %(message)s",
        kind=TEXT,
        doc="The format of a worker's own log lines.",
    ),
    Setting(
        name="worker_task_log_format",
        default="[%(asctime)s: %(levelname)s/%(processName)s] %(task_name)s[%(task_id)s]: %(message)s",
        kind=TEXT,
        doc="The format of the log lines of tasks.",
    ),
    Setting(
        name="worker_log_datefmt",
        default=None,
        kind=or_none(TEXT),
        doc="How times are written in a worker's own log lines, by `time.strftime`. None: as logging does.",
    ),
    Setting(
        name="worker_task_log_datefmt",
        default=None,
        kind=or_none(TEXT),
        doc="The same for the log lines of tasks.",
    ),
    Setting(
        name="worker_log_color",
        default=None,
        kind=or_none(FLAG),
        doc="Colour log lines by their level. None: on a terminal, unless NO_COLOR is set.",
    ),
)

DASHBOARD = (
    Setting(
        name="dashboard_users",
        default={},
        kind=USERS,
        doc="Who logs in to the dashboard by a password: a dict from a name to (role, what `horarium tokens password` "
        "printed). Roles are viewer, operator, editor and admin. See [let people in](../how-to/let-people-in.md).",
    ),
)

ALERTING = (
    Setting(
        name="alerts",
        default=None,
        kind=or_none(ALERTS),
        doc="Who is told when something is wrong, and of what: channels (webhook, Slack, e-mail, apprise) and rules. "
        "None: nobody is. See [be told when something is wrong](../how-to/be-told.md).",
    ),
)

SECTIONS: dict[str, tuple[Setting, ...]] = {
    "Store and code": STORE_AND_CODE,
    "Time and schedules": TIME_AND_SCHEDULES,
    "Tasks": TASKS,
    "Results": RESULTS,
    "What is kept, and who may see it": KEEPING,
    "Workers": WORKER,
    "Dashboard": DASHBOARD,
    "Alerts": ALERTING,
}
TABLE: dict[str, Setting] = {setting.name: setting for section in SECTIONS.values() for setting in section}
