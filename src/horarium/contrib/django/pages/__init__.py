"""The pages of runs, queues and workers in Django's admin: read from the store, never from a table."""
