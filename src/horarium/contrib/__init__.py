"""At home in frameworks: each room is one framework's, and imports it; nothing else here does."""
