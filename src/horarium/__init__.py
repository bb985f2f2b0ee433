"""Horarium: background and periodic tasks."""
