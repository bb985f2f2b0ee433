"""Classes of warnings, by Celery's names, for code that was written for Celery. Import them from ``errors``."""

from __future__ import annotations


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
