"""What the project speaks to, on this machine: an object store of its own."""
