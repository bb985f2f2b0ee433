"""Run as a program: ``python powerless.py COMMAND...`` runs a command as if root were an ordinary user, for whom the
permissions of files hold."""

from __future__ import annotations

import ctypes
import os
import sys

PR_CAPBSET_DROP = 24
CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH = 1, 2

if __name__ == "__main__":
    for capability in (CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH):
        ctypes.CDLL(None).prctl(PR_CAPBSET_DROP, capability, 0, 0, 0)  # refused to ordinary users, who lack them anyway
    os.execv(sys.executable, [sys.executable, *sys.argv[1:]])
