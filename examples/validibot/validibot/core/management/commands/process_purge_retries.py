"""manage.py process_purge_retries"""

from validibot.core import cleanup
from validibot.core.management.batches import BatchCommand


class Command(BatchCommand):
    help = "Retry failed purge operations."
    job = staticmethod(cleanup.retry_purges)
