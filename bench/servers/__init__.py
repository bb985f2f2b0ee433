"""Servers of the bench's own: free loopback ports, directories that go away, never one that runs already.

Each measurement gets fresh ones, so that nobody inherits another's caches, and none runs while others are measured.
"""
