"""The scheduler: a runner that fires what is due. Any number of them may run."""
