"""``python -m horarium``."""

from horarium.cli.main import main

if __name__ == "__main__":
    main()
