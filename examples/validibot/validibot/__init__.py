"""Validations of what people submit, and what has to be cleared away after them."""
