"""Bombs: a few megabytes that unpack to gigabytes, or bytes that promise more than any machine holds."""

import bz2
import gzip
import lzma
import struct
import zlib
from collections.abc import Callable

import zstandard

from fuzzing.cases import Case

_PIECE_BYTES = 1 << 23
_PIECES = 256  # 2 GiB
_ROW = b"word" + b" 0.25 -0.5 0.125" * 100 + b"\n"
_SHORT_ROW = b"word 0.5\n"
_DEEP = 200_000


def _rows(row: bytes = _ROW) -> bytes:
    return row * (_PIECE_BYTES // len(row))


def _endless_line() -> bytes:
    return b"a" * _PIECE_BYTES


def _zip_of_rows() -> bytes:
    """Returns a zip of one member, pieced together of blocks that each begin afresh."""
    deflate = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    block = deflate.compress(_rows()) + deflate.flush(zlib.Z_FULL_FLUSH)
    content = block * _PIECES + deflate.flush()
    name, size = b"vectors.txt", len(_rows()) * _PIECES
    known = struct.pack("<HHHHHIIIHH", 20, 0, 8, 0, 0x21, 0, len(content), size, len(name), 0)
    member = b"PK\x03\x04" + known + name + content
    directory = b"PK\x01\x02" + struct.pack("<H", 20) + known + struct.pack("<HHHII", 0, 0, 0, 0, 0) + name
    return member + directory + b"PK\x05\x06" + struct.pack("<HHHHIIH", 0, 0, 1, 1, len(directory), len(member), 0)


def _binary_rows() -> bytes:
    row = b"word " + bytes(4 * 300)
    return row * (_PIECE_BYTES // len(row))


def _zstd(content: bytes) -> bytes:
    return zstandard.ZstdCompressor().compress(content)


_NPY_HEADER = b"{'descr': '<f4', 'fortran_order': False, 'shape': (1, 1), }".ljust(117) + b"\n"
_SPACY = {
    "model/vocab/vectors": b"\x93NUMPY\x01\x00\x76\x00" + _NPY_HEADER + bytes(4),
    "model/vocab/key2row": b"\x80",
    "model/vocab/strings.json": b"[]",
}

BOMBS: dict[str, Callable[[], dict[str, bytes]]] = {
    "rows in .gz": lambda: {"v.txt.gz": gzip.compress(_rows(), mtime=0) * _PIECES},
    "short rows in .gz": lambda: {"v.txt.gz": gzip.compress(_rows(_SHORT_ROW), mtime=0) * 32},
    "rows in .bz2": lambda: {"v.txt.bz2": bz2.compress(_rows()) * _PIECES},
    "rows in .xz": lambda: {"v.txt.xz": lzma.compress(_rows(), preset=0) * _PIECES},
    "rows in .zst": lambda: {"v.txt.zst": _zstd(_rows()) * _PIECES},
    "rows in .zip": lambda: {"v.zip": _zip_of_rows()},
    "a line in .gz": lambda: {"v.txt.gz": gzip.compress(_endless_line(), mtime=0) * _PIECES},
    "a line in .xz": lambda: {"v.txt.xz": lzma.compress(_endless_line(), preset=0) * _PIECES},
    "zeros in .gz": lambda: {"v.bin.gz": gzip.compress(bytes(_PIECE_BYTES), mtime=0) * _PIECES},
    "binary rows in .gz": lambda: {
        "v.bin.gz": gzip.compress(b"1000000 300\n", mtime=0) + gzip.compress(_binary_rows(), mtime=0) * _PIECES
    },
    "deep tokenizer.json": lambda: {
        "model/tokenizer.json": b"[" * _DEEP,
        "model/model.safetensors": bytes(8),
        "model/config.json": b"{}",
    },
    "deep strings.json": lambda: {**_SPACY, "model/vocab/strings.json": b"[" * _DEEP + b"]" * _DEEP},
    "deep key2row": lambda: {**_SPACY, "model/vocab/key2row": b"\x91" * _DEEP + b"\x01"},
    "deep safetensors header": lambda: {"v.safetensors": struct.pack("<Q", 2 * _DEEP) + b"[" * _DEEP + b"]" * _DEEP},
    "key2row of 2**32 keys": lambda: {**_SPACY, "model/vocab/key2row": b"\xdf\xff\xff\xff\xff"},
}
"""By name: what makes the files. The first one is opened, or the folder that all are in."""


def make_bomb(name: str) -> Case:
    """Makes the bomb of that name."""
    entries = BOMBS[name]()
    return Case(reader="bombs", target=next(iter(entries)).partition("/")[0], entries=dict(entries))
