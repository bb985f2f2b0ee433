"""What the project speaks to, on this machine: a mail server of its own."""
