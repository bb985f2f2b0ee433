"""Settings of the project: ``base`` is all there is."""
