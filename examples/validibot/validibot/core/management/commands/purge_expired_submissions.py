"""manage.py purge_expired_submissions"""

from validibot.core import cleanup
from validibot.core.management.batches import BatchCommand


class Command(BatchCommand):
    help = "Remove expired user submission content."
    job = staticmethod(cleanup.purge_submissions)
