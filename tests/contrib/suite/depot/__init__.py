"""An app of the project whose tasks use the database, caches and transactions."""
