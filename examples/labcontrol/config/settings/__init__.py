"""Settings: ``base`` is what all have in common; ``dev``, the default, and ``test`` add to it."""
