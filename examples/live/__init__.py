"""What all examples share: ``python -m live EXAMPLE`` runs one of them, whole, where somebody can watch."""
