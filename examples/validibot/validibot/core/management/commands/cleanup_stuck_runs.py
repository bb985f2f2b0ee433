"""manage.py cleanup_stuck_runs"""

from validibot.core import cleanup
from validibot.core.management.batches import BatchCommand


class Command(BatchCommand):
    help = "Mark hung runs as failed."
    job = staticmethod(cleanup.fail_stuck_runs)
