"""``python -m meltpoint``: the command line."""

from meltpoint.cli import main

if __name__ == "__main__":
    main()
