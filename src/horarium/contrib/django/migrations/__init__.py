"""Migrations of Horarium's own tables."""
