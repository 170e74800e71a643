"""Damage: to bytes, to the names and members of a zip, to the files of a folder."""

import io
import re
import struct
import zipfile
from collections.abc import Callable

import numpy as np

from fuzzing.cases import Case, Entry, Folder, Link, Pipe
from fuzzing.samples import SAMPLES, Claim, Sample, Vectors, draw_vectors, zip_of

_NUMBER = re.compile(rb"[0-9]+(?:\.[0-9]+)?")
_EXTREMES = (0, 1, 2, 255, 65535, 2**31 - 1, 2**31, 2**32 - 1, 10**12, 2**63 - 1, 2**63, 2**64 - 1)
_NUMERALS = (
    "0",
    "-1",
    "1",
    str(10**12),
    str(2**31),
    str(2**63),
    str(2**64),
    "1e39",
    "nan",
    "-inf",
    "1e-400",
    "0x1",
    "",
)
_PIECES = (
    *(b"\n", b"\r\n", b" ", b"  ", b"\t", b"\0", b"\xff\xfe", b"\xef\xbb\xbf", b"\x80", b"\x80\x04", b"\xc3", b'"'),
    *(b"{", b"}", b"[", b"null", b"PK\x03\x04", b"\x1f\x8b", b"BZh9", b"\x28\xb5\x2f\xfd", b"\x93NUMPY", b"word 1 2\n"),
)
_NAMES = (
    *("../../escaped.txt", "/absolute.txt", "a/../../../escaped.vec", "C:\\windows.txt", "..\\escaped.txt", "v.txt/"),
    *("", ".txt", "\u202etxt.exe.txt", "a" * 3000 + ".txt", "__MACOSX/._v.txt", "data.pkl", "nested.zip", "con.txt"),
    *("glove.6B.4d.txt", "v.npy", "v.bin", "model.safetensors", "v.txt.gz"),
)
_OTHER_TARGETS = ("v", "v.txt", "v.vec", "v.bin", "v.npy", "v.safetensors", "v.gz", "v.bz2", "v.xz", "v.zst", "v.zip")
_UNHARMED_SHARE = 0.04
_READ_IN_BLOCKS = {reader for reader in SAMPLES if "text" in reader or "zip" in reader}
_BLOCK_BYTES = (0, 0, 100, 1 << 22, 1 << 22)
_SYMLINK_MODE, _ENCRYPTED_FLAG = 0o120777 << 16, 0x1


def make_case(reader: str, seed: int, number: int) -> Case:
    """Makes the case of that number: the same arguments give the same bytes."""
    rng = np.random.default_rng([seed, number, *reader.encode()])
    vectors = draw_vectors(rng)
    block_bytes = int(rng.choice(_BLOCK_BYTES)) if reader in _READ_IN_BLOCKS else 0
    if rng.random() < _UNHARMED_SHARE:
        sample = SAMPLES[reader](vectors, vectors.claim)
        entries = _packed(sample)
        return Case(
            reader=reader,
            target=sample.target,
            entries=entries,
            block_bytes=block_bytes,
            expected=vectors.table if sample.exact else None,
        )
    sample = SAMPLES[reader](vectors, _draw_claim(rng, vectors))
    target, entries = sample.target, dict(sample.entries)
    if sample.pack is not None:
        before_packing = rng.random() < 0.5
        if before_packing:
            entries = _damaged_entries(rng, entries, harm_bytes=True)
        entries = _packed(Sample(target=target, entries=entries, pack=sample.pack))
        if not before_packing:
            entries = _damaged_entries(rng, entries, harm_bytes=True)
        if reader == "member of a .zip" and rng.random() < 0.3:
            entries[target] = _zip_with_tricks(rng, sample)
    else:
        entries = _damaged_entries(rng, entries, harm_bytes=rng.random() < 0.85)
    if target in entries and rng.random() < 0.1:
        renamed = str(rng.choice(_OTHER_TARGETS))
        entries = {renamed if name == target else name: entry for name, entry in entries.items()}
        target = renamed
    return Case(
        reader=reader,
        target=target,
        entries=entries,
        options=_draw_options(rng, vectors),
        block_bytes=block_bytes,
    )


def _packed(sample: Sample) -> dict[str, Entry]:
    content = sample.entries.get(sample.target)
    if sample.pack is None or not isinstance(content, bytes):
        return dict(sample.entries)
    return {**sample.entries, sample.target: sample.pack(content)}


def _draw_claim(rng: np.random.Generator, vectors: Vectors) -> Claim:
    """Draws what the headers say: the truth in half of all cases."""
    truth = vectors.claim
    if rng.random() < 0.5:
        return truth
    lies = (0, 1, truth.rows - 1, truth.rows + 1, 10**6, 2**31 - 1, 10**12, 2**61)
    rows = int(rng.choice(lies)) if rng.random() < 0.7 else truth.rows
    dim = int(rng.choice((0, truth.dim + 1, 10**6, 2**31 - 1, 10**12))) if rng.random() < 0.4 else truth.dim
    return Claim(rows=rows, dim=dim)


def _draw_options(rng: np.random.Generator, vectors: Vectors) -> dict[str, object]:
    options: dict[str, object] = {}
    if rng.random() < 0.1:
        options["dim"] = int(rng.choice((1, vectors.claim.dim, 10**12)))
    if rng.random() < 0.15:
        options["bad_rows"] = "skip"
    if rng.random() < 0.15:
        options["words"] = [*vectors.words[:3], "absent"]
    if rng.random() < 0.05:
        options["member"] = str(rng.choice(("*", "*.txt", "v.txt", "../../escaped.txt", "[")))
    return options


def _damaged_entries(rng: np.random.Generator, entries: dict[str, Entry], *, harm_bytes: bool) -> dict[str, Entry]:
    """Damages the bytes of one or more of the files, or puts something else in the place of one."""
    entries = dict(entries)
    name = str(rng.choice(list(entries)))
    if not harm_bytes:
        substitutes: tuple[Entry | None, ...] = (
            *(None, Folder(), Pipe(), b"", Link(to=name.rpartition("/")[2]), Link(to="."), Link(to="/dev/zero")),
            *(Link(to="/proc/self/mem"), Link(to="absent"), Link(to="../" * 40)),
        )
        substitute = substitutes[rng.integers(len(substitutes))]
        del entries[name]
        if substitute is not None:
            entries[name] = substitute
        return entries
    for _ in range(int(rng.choice((1, 1, 1, 2, 3, 5)))):
        content = entries[name]
        if isinstance(content, bytes):
            entries[name] = DAMAGES[rng.integers(len(DAMAGES))](rng, content)
        name = str(rng.choice(list(entries)))
    return entries


def _cut(rng: np.random.Generator, content: bytes) -> bytes:
    return content[: rng.integers(0, len(content) + 1)]


def _flip_bits(rng: np.random.Generator, content: bytes) -> bytes:
    flipped = bytearray(content)
    for _ in range(int(rng.choice((1, 1, 2, 8)))) if content else ():
        flipped[rng.integers(len(flipped))] ^= 1 << int(rng.integers(8))
    return bytes(flipped)


def _splice(rng: np.random.Generator, content: bytes) -> bytes:
    """Puts a stretch of the content in another place, over what was there or between."""
    start, end = sorted(rng.integers(0, len(content) + 1, size=2).tolist())
    place = int(rng.integers(0, len(content) + 1))
    covered = end - start if rng.random() < 0.5 else 0
    return content[:place] + content[start:end] + content[place + covered :]


def _leave_out(rng: np.random.Generator, content: bytes) -> bytes:
    start = int(rng.integers(0, len(content) + 1))
    return content[:start] + content[start + int(rng.integers(1, 40)) :]


def _insert(rng: np.random.Generator, content: bytes) -> bytes:
    place = int(rng.integers(0, len(content) + 1))
    piece = _PIECES[rng.integers(len(_PIECES))] if rng.random() < 0.8 else rng.bytes(int(rng.integers(1, 20)))
    return content[:place] + piece + content[place:]


def _insert_huge(rng: np.random.Generator, content: bytes) -> bytes:
    """Makes one word, or one number, very long."""
    place = int(rng.integers(0, len(content) + 1))
    length = int(rng.choice((1000, 300_000), p=(0.8, 0.2)))
    return content[:place] + bytes([int(rng.choice((0x61, 0x31, 0x20, 0x00, 0xFF)))]) * length + content[place:]


def _insert_deep(rng: np.random.Generator, content: bytes) -> bytes:
    """Nests a structure deeper than a parser can follow."""
    place = int(rng.choice((0, int(rng.integers(0, len(content) + 1)))))
    return content[:place] + bytes([int(rng.choice((0x5B, 0x28, 0x91)))]) * 20_000 + content[place:]


def _replace_numeral(rng: np.random.Generator, content: bytes) -> bytes:
    """Replaces a number that is written in decimal; often one of the first, where headers are."""
    found = list(_NUMBER.finditer(content))
    if not found:
        return content
    match = found[int(rng.integers(min(len(found), 6 if rng.random() < 0.6 else len(found))))]
    return content[: match.start()] + str(rng.choice(_NUMERALS)).encode() + content[match.end() :]


def _replace_integer(rng: np.random.Generator, content: bytes) -> bytes:
    """Replaces 4 or 8 bytes by an extreme number; often among the first, where headers are."""
    layout = str(rng.choice(("<I", "<Q")))
    size = struct.calcsize(layout)
    if len(content) < size:
        return content
    last = len(content) - size
    place = int(rng.integers(0, min(last, 160 if rng.random() < 0.6 else last) + 1))
    value = _EXTREMES[rng.integers(len(_EXTREMES))] % 2 ** (8 * size)
    return content[:place] + struct.pack(layout, value) + content[place + size :]


def _join_lines(rng: np.random.Generator, content: bytes) -> bytes:
    return content.replace(b"\n", b" " if rng.random() < 0.5 else b"")


def _repeat(rng: np.random.Generator, content: bytes) -> bytes:
    return content * int(rng.integers(2, 4))


def _swap(rng: np.random.Generator, content: bytes) -> bytes:  # noqa: ARG001 - as all of them
    """Puts the content of another format there, under the old name."""
    vectors = draw_vectors(rng)
    makers = list(SAMPLES.values())
    sample = makers[rng.integers(len(makers))](vectors, vectors.claim)
    entries = [entry for entry in _packed(sample).values() if isinstance(entry, bytes)]
    return entries[rng.integers(len(entries))]


DAMAGES: tuple[Callable[[np.random.Generator, bytes], bytes], ...] = (
    *(_cut, _flip_bits, _splice, _leave_out, _insert, _insert_huge, _insert_deep, _replace_numeral, _replace_numeral),
    *(_replace_integer, _replace_integer, _join_lines, _repeat, _swap),
)


def _zip_with_tricks(rng: np.random.Generator, sample: Sample) -> bytes:
    """Returns a zip with names that point elsewhere, twins, links, flags that lie, or another zip within."""
    content = sample.entries[sample.target]
    assert isinstance(content, bytes)
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        seen = set()
        for name in rng.choice(_NAMES, size=int(rng.integers(1, 5))).tolist():
            if name in seen:
                continue  # twins are made below, where zipfile does not warn of them
            seen.add(name)
            info = zipfile.ZipInfo(name)
            inner = content
            if rng.random() < 0.2:
                info.external_attr = _SYMLINK_MODE
                inner = b"../../../secret.txt"
            elif rng.random() < 0.2:
                inner = zip_of(content, "v.txt")
            elif rng.random() < 0.1:
                inner = SAMPLES["text or binary .gz"](draw_vectors(rng), Claim(rows=3, dim=2)).pack(content)
            archive.writestr(info, inner, compress_type=int(rng.choice((0, 8, 12, 14))))
    packed = bytearray(file.getvalue())
    trick = rng.random()
    directory = packed.find(b"PK\x01\x02")
    if trick < 0.15 and directory > 0:  # said to be encrypted
        packed[6] |= _ENCRYPTED_FLAG
        packed[directory + 8] |= _ENCRYPTED_FLAG
    elif trick < 0.3 and directory > 0:  # sizes that lie, in the directory alone
        size = _EXTREMES[rng.integers(len(_EXTREMES))] % 2**32
        struct.pack_into("<I", packed, directory + int(rng.choice((20, 24))), size)
    elif trick < 0.45:  # a method that nobody knows
        packed[8] = int(rng.integers(256))
        if directory > 0:
            packed[directory + 10] = packed[8]
    elif trick < 0.6:  # twins, and members out of their own zip's reach
        packed = bytearray(bytes(packed).replace(b"v.bin", b"v.npy").replace(b"/absolute.txt", b"glove.6B.4d.."))
    return bytes(packed)
