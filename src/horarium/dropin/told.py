"""What `horarium check` and `horarium doctor` say of drop-in mode."""

from __future__ import annotations

from horarium.dropin import installed_celery, is_installed
from horarium.observe.finding import Finding, note


def notes() -> list[Finding]:
    """Return that the mode is on, and which celery it hides; nothing where it is off."""
    if not is_installed():
        return []
    found = [note("dropin", "drop-in mode is on: `import celery` brings Horarium")]
    if hidden := installed_celery():
        found.append(
            note(
                "dropin-hides-celery",
                f"drop-in mode hides the celery that is installed ({hidden})",
                "pip uninstall celery, unless programs that are not in drop-in mode need it",
            )
        )
    return found
