"""From one store to another while both are in use: waiting messages, schedules, and runs that are kept."""
