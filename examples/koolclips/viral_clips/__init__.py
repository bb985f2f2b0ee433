"""Clips: made, kept in an object store, and thrown away when they are old."""
