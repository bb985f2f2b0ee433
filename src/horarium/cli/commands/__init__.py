"""One file per command, each imported when the command is run."""
