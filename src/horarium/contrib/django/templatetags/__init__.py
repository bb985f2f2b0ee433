"""Template tags of Horarium's pages."""
