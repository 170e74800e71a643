"""Where meltpoint keeps what it can make or get again: stores of vectors, downloads, compiled loops."""

import os
import sys

CACHE_VARIABLE = "MELTPOINT_CACHE"


def cache_folder() -> str:
    """Returns the folder that holds all stores: below ``MELTPOINT_CACHE`` where set, else in the user's cache."""
    root = os.environ.get(CACHE_VARIABLE)
    root = os.path.abspath(os.path.expanduser(root)) if root else _user_cache()
    return os.path.join(root, "vectors")


def _user_cache() -> str:
    # platformdirs knows every system and every odd setting, but takes 10 ms to import, an eighth of what NumPy takes.
    # On Linux it comes to one of these two, where that is an absolute path.
    usual = os.environ.get("XDG_CACHE_HOME") or os.path.join(os.environ.get("HOME", ""), ".cache")
    if sys.platform == "linux" and os.path.isabs(usual):
        return os.path.join(usual, "meltpoint")
    from platformdirs import user_cache_dir  # noqa: PLC0415 - see above

    return user_cache_dir("meltpoint")
