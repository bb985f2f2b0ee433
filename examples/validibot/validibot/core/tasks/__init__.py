"""The tasks, where the app looks for them."""

from validibot.core.tasks import scheduled_tasks, validations

__all__ = ["scheduled_tasks", "validations"]
