"""manage.py purge_expired_outputs"""

from validibot.core import cleanup
from validibot.core.management.batches import BatchCommand


class Command(BatchCommand):
    help = "Remove expired validation outputs."
    job = staticmethod(cleanup.purge_outputs)
