"""Where meltpoint keeps what it can make or get again: stores of vectors, downloads, compiled loops."""

import os

CACHE_VARIABLE = "MELTPOINT_CACHE"


def cache_folder() -> str:
    """Returns the folder that holds all stores: below ``MELTPOINT_CACHE`` where set, else in the user's cache."""
    root = os.environ.get(CACHE_VARIABLE)
    if root:
        root = os.path.abspath(os.path.expanduser(root))
    else:
        from platformdirs import user_cache_dir  # noqa: PLC0415 - a tenth of a later open, and needed only here

        root = user_cache_dir("meltpoint")
    return os.path.join(root, "vectors")
