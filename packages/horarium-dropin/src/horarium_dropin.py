"""Drop-in mode without a change of code: a command named celery, and what the .pth file beside this calls.

The .pth file is read whenever Python starts, so nothing of Horarium is imported before somebody imports celery.
"""

import os
import sys

OURS = ("celery", "kombu", "billiard", "django_celery_beat", "django_celery_results")


class Waiting:
    """A meta path finder that turns drop-in mode on when one of these modules is first asked for, and is gone then."""

    @staticmethod
    def find_spec(name, path=None, target=None):
        if name not in OURS:
            return None
        sys.meta_path.remove(Waiting)
        from horarium.dropin import install

        install()
        return sys.meta_path[0].find_spec(name, path, target)


def wait():
    """Be there when celery is imported. Called at the start of the interpreter; idempotent."""
    if Waiting not in sys.meta_path:
        sys.meta_path.insert(0, Waiting)


def main():
    """Run ``horarium celery`` with the arguments of this process."""
    from horarium.cli.main import main as horarium

    os.environ["HORARIUM_DROPIN"] = "1"
    horarium(["celery", *sys.argv[1:]])
