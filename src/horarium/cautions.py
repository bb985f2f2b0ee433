"""Warnings and exits by Celery's names, for code that was written for Celery; import them from ``errors``.

WorkerShutdown (SystemExit)
WorkerTerminate (SystemExit)
CeleryWarning (UserWarning)
├── AlwaysEagerIgnored
├── DuplicateNodenameWarning
├── DuplicateTaskNameWarning
├── FixupWarning
├── NotConfigured
└── SecurityWarning
CPendingDeprecationWarning (PendingDeprecationWarning)
CDeprecationWarning (DeprecationWarning)

They stand beside the tree of errors.
"""

from __future__ import annotations


class WorkerShutdown(SystemExit):
    """For Celery's callers: raised in a task it is a failure of that task; stop a worker with TERM."""


class WorkerTerminate(SystemExit):
    """For Celery's callers: as WorkerShutdown; stop a worker at once with QUIT."""


class CeleryWarning(UserWarning):
    """The root of the warnings that have Celery's names."""


class AlwaysEagerIgnored(CeleryWarning):
    """``task_always_eager`` has no effect where it was set."""


class DuplicateNodenameWarning(CeleryWarning):
    """Two live workers have one name; a worker tells it in its log."""


class DuplicateTaskNameWarning(CeleryWarning):
    """Two functions ask for one task name; AlreadyRegistered refuses that."""


class FixupWarning(CeleryWarning):
    """An integration could not be set up as it should be."""


class NotConfigured(CeleryWarning):
    """No settings were found."""


class SecurityWarning(CeleryWarning):
    """Something may be unsafe."""


class CPendingDeprecationWarning(PendingDeprecationWarning):
    """Something will be deprecated."""


class CDeprecationWarning(DeprecationWarning):
    """Something is deprecated."""
