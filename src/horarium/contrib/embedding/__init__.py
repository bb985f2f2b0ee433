"""A worker and a scheduler that live as long as a web process: started with it, stopped with it, started again when
they die.

They run in a process of their own (``__main__.py`` is its program; decision 25 says why), which a thread of the web
process watches. No signal handler is taken and nothing is forked from the web process as it is: a fresh interpreter
imports the app. The process has a session of its own, so a Ctrl-C in the terminal is the server's alone, and it
inherits no socket. It ends in good order when the web process ends in whatever way, killed with -9 included.
"""

from horarium.contrib.embedding.embedding import Embedding, path_of

__all__ = ["Embedding", "path_of"]
