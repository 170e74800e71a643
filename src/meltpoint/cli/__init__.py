"""The command line."""

from meltpoint.cli.main import main

__all__ = ["main"]
