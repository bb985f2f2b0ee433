"""What the project speaks to, on this machine: a container engine of its own."""
