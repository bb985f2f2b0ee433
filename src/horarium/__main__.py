"""``python -m horarium``, and the ``horarium`` script.

A health probe is answered before the command line is imported: it runs every few seconds, for ever, on every host.
"""

from __future__ import annotations

import sys


def main() -> None:
    """Run the command line and exit with its code."""
    if sys.argv[1:2] == ["health"]:
        from horarium.health import main as probe

        sys.exit(probe(sys.argv[2:]))
    from horarium.cli.main import main as command_line

    command_line()


if __name__ == "__main__":
    main()
