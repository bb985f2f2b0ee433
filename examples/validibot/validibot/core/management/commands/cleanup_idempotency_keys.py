"""manage.py cleanup_idempotency_keys"""

from validibot.core import cleanup
from validibot.core.management.batches import BatchCommand


class Command(BatchCommand):
    help = "Remove expired idempotency keys."
    job = staticmethod(cleanup.delete_idempotency_keys)
