"""manage.py cleanup_callback_receipts"""

from validibot.core import cleanup
from validibot.core.management.batches import BatchCommand


class Command(BatchCommand):
    help = "Clean old callback receipts."
    job = staticmethod(cleanup.delete_callback_receipts)
