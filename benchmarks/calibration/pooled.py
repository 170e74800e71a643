"""The pool on disk: which test rows each chosen model got right, one file per cell and block of repeats."""

import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np

FOLDER = Path("build/calibration-pool")


@dataclass(frozen=True, kw_only=True)
class Cell:
    """What the repeats of a file have in common."""

    data: str
    architecture: str
    policy: str
    size: int
    replica: int = 0

    @property
    def stem(self) -> str:
        """The beginning of the names of its files."""
        return f"{self.data}--{self.architecture}--{self.policy}--{self.size}--{self.replica}"


def block_path(folder: Path, cell: Cell, block: int) -> Path:
    """Returns the file of a block of repeats."""
    return folder / f"{cell.stem}--{block:03d}.npz"


def write_block(path: Path, *, right: np.ndarray, validation: np.ndarray, seconds: np.ndarray) -> None:
    """Writes R repeats on T test rows: ``right`` (R, T) bool, ``validation`` and ``seconds`` (R,)."""
    beside = path.with_suffix(".tmp")
    with beside.open("wb") as file:
        np.savez_compressed(
            file,
            right=np.packbits(right, axis=1),
            num_rows=np.array(right.shape[1]),
            validation=validation.astype(np.float32),
            seconds=seconds.astype(np.float32),
        )
    os.replace(beside, path)  # noqa: PTH105 - the rename that replaces


def read_right(folder: Path, cell: Cell) -> np.ndarray:
    """Returns (R, T) bool, all blocks from the first without a gap; R is 0 where there is none."""
    found = []
    while (path := block_path(folder, cell, len(found))).exists():
        with np.load(path, allow_pickle=False) as arrays:
            found.append(np.unpackbits(arrays["right"], axis=1, count=int(arrays["num_rows"])).astype(bool))
    return np.concatenate(found) if found else np.empty((0, 0), dtype=bool)
