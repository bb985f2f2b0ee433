"""At home in frameworks: each room or file is one framework's, and imports it. ``asgi``, ``embedding`` and ``status``
are for all of them, and import none."""
