"""The tables' history, migration by migration under django-celery-beat's names: what has run there has run here."""
