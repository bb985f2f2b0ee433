"""The bridge: a runner that carries messages between Celery's queues and a store, both ways, and results back."""
