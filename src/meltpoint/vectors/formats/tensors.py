"""Reads safetensors: which tensors a file holds, each mapped and turned into float32 some rows at a time.

    uint64       n, little-endian
    n bytes      JSON: name -> {"dtype": "F16", "shape": [V, D], "data_offsets": [begin, end]}, and "__metadata__"
    the rest     the numbers, little-endian, C order; offsets count from here

(https://huggingface.co/docs/safetensors/index#format). The safetensors library copies whole tensors and hands NumPy
no bfloat16, which half of the models are in; here nothing is read before its rows are due, and no size is believed
before the file is found to be that long.
"""

import contextlib
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from meltpoint.errors import VectorFileError
from meltpoint.vectors.formats.rows import as_rows

_LENGTH_BYTES = 8
_LONGEST_HEADER_BYTES = 100_000_000  # the format's own limit
_MOST_AXES = 8
_BFLOAT16 = "BF16"
_DTYPES = {
    "F64": "<f8",
    "F32": "<f4",
    "F16": "<f2",
    _BFLOAT16: "<u2",
    "I64": "<i8",
    "I32": "<i4",
    "I16": "<i2",
    "I8": "i1",
    "U8": "u1",
}
FLOATING = ("F64", "F32", "F16", _BFLOAT16)


@dataclass(frozen=True, kw_only=True, eq=False)
class Tensor:
    """A tensor within a file, mapped.

    Attributes:
        dtype: As safetensors calls it, such as ``F16``.
        data: The numbers in their shape; bfloat16 as uint16.
    """

    dtype: str
    data: NDArray[Any]

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of the tensor."""
        return tuple(self.data.shape)

    def rows(self, which: slice | NDArray[np.int64]) -> NDArray[np.float32]:
        """Returns rows as float32; what is too large for it becomes infinite."""
        chosen = self.data[which]
        if self.dtype == _BFLOAT16:  # the upper half of a float32
            return (chosen.astype("<u4") << np.uint32(16)).view("<f4")
        return as_rows(chosen)


def map_tensors(path: Path, place: str) -> Mapping[str, Tensor]:
    """Maps the tensors of a safetensors file.

    Args:
        path: The file.
        place: How errors call it.

    Returns:
        The tensors by name; those of types that no vectors are in (booleans, 8-bit floats) are left out.

    Raises:
        VectorFileError: The header is damaged, or promises what the file does not hold.
    """
    try:
        data = np.memmap(path, dtype=np.uint8, mode="r")
        length = int.from_bytes(data[:_LENGTH_BYTES].tobytes(), "little")
        start = _LENGTH_BYTES + length
        if start > len(data) or length > _LONGEST_HEADER_BYTES:
            raise _damaged(place, f"a header of {length:,} bytes in a file of {len(data):,}")
        header = json.loads(data[_LENGTH_BYTES:start].tobytes())
    except (OSError, ValueError, RecursionError) as error:
        if isinstance(error, VectorFileError):
            raise
        raise _damaged(place, f"one that cannot be read: {error}") from error
    if not isinstance(header, dict):
        raise _damaged(place, "no JSON object")
    body = np.asarray(data)[start:]
    tensors = {name: _map_tensor(name, facts, body, place) for name, facts in header.items() if name != "__metadata__"}
    return {name: tensor for name, tensor in tensors.items() if tensor is not None}


def _map_tensor(name: str, facts: object, body: NDArray[np.uint8], place: str) -> Tensor | None:
    """Maps one tensor, or returns None if it is of a type that no vectors are in."""
    match facts:
        case {"dtype": str(dtype)} if dtype not in _DTYPES:
            return None
        case {"dtype": str(dtype), "shape": [*shape], "data_offsets": [int(begin), int(end)]} if len(
            shape
        ) <= _MOST_AXES and all(isinstance(size, int) and size >= 0 for size in shape):
            # Python's integers do not overflow; NumPy's would, even in a shape that is empty because one size is 0.
            num_bytes = math.prod(shape) * np.dtype(_DTYPES[dtype]).itemsize
            is_bounded = math.prod(size or 1 for size in shape) <= len(body)
            if 0 <= begin <= end <= len(body) and end - begin == num_bytes and is_bounded:
                with contextlib.suppress(ValueError):  # no numbers at all, and yet a size beyond 64 bits
                    return Tensor(dtype=dtype, data=body[begin:end].view(_DTYPES[dtype]).reshape(shape))
    raise _damaged(
        place, f"the tensor {name[:40]!r} as {str(facts)[:160]}, which {len(body):,} bytes of numbers do not hold"
    )


def _damaged(place: str, found: str) -> VectorFileError:
    return VectorFileError(
        f"{place}: byte 0: expected a safetensors header of a length and a JSON object, found {found}; the file is "
        "damaged or cut short: get it again."
    )
