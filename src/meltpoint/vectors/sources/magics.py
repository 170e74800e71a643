"""What the first bytes of a file say about it."""

ZIP_MAGICS = (b"PK\x03\x04", b"PK\x05\x06")
NPY_MAGIC = b"\x93NUMPY"

_LENGTH_BYTES = 8


def is_safetensors(start: bytes, size_bytes: int) -> bool:
    """Tells whether a file of that size begins like safetensors: the length of a JSON object, which lies within."""
    length = int.from_bytes(start[:_LENGTH_BYTES], "little")
    return start[_LENGTH_BYTES : _LENGTH_BYTES + 1] == b"{" and length + _LENGTH_BYTES <= size_bytes
