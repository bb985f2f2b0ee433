"""The same three tasks written for each peer, and the process that calls them.

Every module named after a peer offers: ``delay`` (call the no-op task once), ``bulk`` (call it n times as fast as the
library can, or None where it has no such call), ``note`` (call the task that tells when it started), ``hold`` (call the
task that holds on to its worker, see witness.py), ``done`` (how many calls of ``delay`` and ``bulk`` are known to have
ended), ``readable`` (is the result behind this handle stored?) and ``facts``. Where ``delay`` is a coroutine function
the others may be, and ``opened`` may be a context in which they all run.

These modules run in the peers' environments: they import nothing but their library, the standard library and witness.
"""
