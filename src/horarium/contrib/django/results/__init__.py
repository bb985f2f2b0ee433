"""Results in Django's database, under django-celery-results' label, tables, migrations, URLs and settings."""
