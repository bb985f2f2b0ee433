"""Where Celery's users find the decorators of their own commands."""

from horarium.panel import Panel, control_command, inspect_command

__all__ = ["Panel", "control_command", "inspect_command"]
