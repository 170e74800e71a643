"""A folder that is written beside its place and put there when it is whole."""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def whole_folder(folder: Path) -> Iterator[Path]:
    """Yields an empty folder; when the block ends, it takes the place of ``folder``. After an error nothing is left.

    Raises:
        OSError: It cannot be made or moved; what stood there before still stands.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    scratch = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
    try:
        fresh = scratch / "new"
        fresh.mkdir()
        yield fresh
        for path in fresh.iterdir():
            path.chmod(0o644)  # libraries differ in what they let others read
        if folder.exists():
            folder.rename(scratch / "old")
        fresh.rename(folder)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
