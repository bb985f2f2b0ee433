"""Settings: those of every place in `base`, those of the tests in `test`."""
