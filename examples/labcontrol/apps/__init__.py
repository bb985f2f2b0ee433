"""The apps of the project."""
