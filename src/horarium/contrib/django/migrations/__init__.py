"""Migrations of Horarium's own tables in a Django database."""
