"""Where tasks run: in processes, in threads, on an event loop. A pool takes deliveries from a feed to an executor."""
