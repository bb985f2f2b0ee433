"""The same two tasks written for each peer, and the process that calls them.

Every module named after a peer offers: ``delay`` (call the no-op task once), ``bulk`` (call it n times as fast as the
library can, or None where it has no such call), ``note`` (call the task that tells when it started), ``done`` (how
many calls are known to have ended), ``readable`` (is the result behind this handle stored?) and ``facts``.
"""
