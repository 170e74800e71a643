"""Files that are mapped to be read: as arrays or bytes, checked before what is in them is touched."""

from __future__ import annotations

import contextlib
import mmap
import os
from typing import TYPE_CHECKING, Any

import numpy as np

from meltpoint.errors import VectorFileError

if TYPE_CHECKING:
    from numpy.typing import NDArray


def map_array(path: str, dtype: type[np.generic], shape: tuple[int | None, ...]) -> NDArray[Any]:
    """Maps a ``.npy`` file.

    Args:
        path: Its path.
        dtype: The type that its numbers must have.
        shape: The shape that it must have; None for any length.

    Raises:
        ValueError: It is no such file, or holds another array.
    """
    # open_memmap rather than np.load: it reads the npy format only, and so can never come to unpickle.
    mapped = np.lib.format.open_memmap(path, mode="r")
    fits = mapped.ndim == len(shape) and all(one in {None, own} for one, own in zip(shape, mapped.shape, strict=True))
    if mapped.dtype != dtype or not fits or not mapped.flags.c_contiguous:
        raise ValueError(f"{path}: expected {dtype.__name__} {shape}, found {mapped.dtype} {mapped.shape}.")
    return np.asarray(mapped)


def map_bytes(path: str) -> memoryview:
    """Maps a file of bytes."""
    with open(path, "rb") as file:
        if not os.fstat(file.fileno()).st_size:
            return memoryview(b"")  # an empty file cannot be mapped
        return memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))


def map_of(array: NDArray[Any]) -> np.memmap[Any, Any] | None:
    """Returns the map, only to be read, that all of an array is; None where it is in memory or may be written to."""
    mapped = array.base
    return mapped if isinstance(mapped, np.memmap) and mapped.mode == "r" else None


def require_whole(*mapped: NDArray[Any] | memoryview) -> None:
    """Refuses maps of which a file has become shorter: the system ends a process that reads beyond a file's end.

    What is in memory is whole.

    Raises:
        VectorFileError: A file was cut short since it was mapped.
    """
    for one in mapped:
        expected, pages, name = _pages_of(one)
        if isinstance(pages, mmap.mmap) and (size := pages.size()) < expected:
            raise VectorFileError(
                f"{name}: expected {expected:,} bytes as when it was opened, found {size:,}: something has cut it "
                "short meanwhile; open the vectors again."
            )


def read_in_large_pages(mapped: np.memmap[Any, Any]) -> None:
    """Has the system read what is not in its cache into huge pages (Linux): later each is mapped at one touch."""
    with contextlib.suppress(OSError):  # a system without huge pages
        _advise(mapped, "MADV_HUGEPAGE")


def give_back(mapped: np.memmap[Any, Any]) -> None:
    """Has the system forget which pages are mapped; the file itself stays in its cache."""
    _advise(mapped, "MADV_DONTNEED")


def _advise(mapped: np.memmap[Any, Any], advice: str) -> None:
    """Tells the system what to do with the pages, where it knows such advice."""
    pages: Any = mapped.base
    if isinstance(pages, mmap.mmap) and hasattr(mmap, advice):
        pages.madvise(getattr(mmap, advice))


def _pages_of(mapped: NDArray[Any] | memoryview) -> tuple[int, Any, str]:
    """Returns how large the file was, what maps it, and its name."""
    if isinstance(mapped, memoryview):
        return mapped.nbytes, mapped.obj, "words.bin of a store"
    array = map_of(mapped)
    return (0, None, "") if array is None else (array.offset + array.nbytes, array.base, str(array.filename))
