"""Small valid files of every format that is read, made without meltpoint's own code; each may lie about its size."""

import bz2
import gzip
import io
import json
import lzma
import os
import pickle
import struct
import zipfile
from collections.abc import Callable
from dataclasses import dataclass, field

import msgpack
import numpy as np
import zstandard
from safetensors.numpy import save as safetensors_of
from tokenizers import Tokenizer
from tokenizers.models import WordLevel

from fuzzing.cases import Entry, Table

_WORDS = (
    *("the", "of", "and", "to", "in", "it", "'s", "<unk>", "2008", "#", '"', ",", "caf\u00e9", "\u0130", "\u732b"),
    *("\U0001f600", "e\u0301", "a\u00a0b", "\u0085", "null", "nan", "a", "b", "c", "d", "Paris", "paris", "x" * 70),
)
_FASTTEXT_MAGIC, _FASTTEXT_VERSION = 793712314, 12


@dataclass(frozen=True, kw_only=True)
class Claim:
    """What headers say of rows and columns."""

    rows: int
    dim: int


@dataclass(frozen=True, kw_only=True)
class Vectors:
    """What a sample is made of: V words and a matrix of shape (V, D), float32."""

    words: list[str]
    matrix: np.ndarray

    @property
    def claim(self) -> Claim:
        """The truth."""
        return Claim(rows=len(self.words), dim=self.matrix.shape[1])

    @property
    def table(self) -> Table:
        """The same, to be compared with what is read."""
        return Table(words=self.words, numbers=self.matrix.astype("<f4").tobytes())


@dataclass(frozen=True, kw_only=True)
class Sample:
    """A valid file or folder.

    Attributes:
        target: What to open.
        entries: The files.
        exact: Whether every word and number must be read just as it is.
        pack: What turns the content of ``target`` into its container, where it has one.
    """

    target: str
    entries: dict[str, Entry]
    exact: bool = True
    pack: Callable[[bytes], bytes] | None = field(default=None)


def draw_vectors(rng: np.random.Generator) -> Vectors:
    """Draws 3 to 28 words and 1 to 8 numbers for each."""
    words = [str(word) for word in rng.permutation(_WORDS)[: rng.integers(3, len(_WORDS) + 1)]]
    return Vectors(words=words, matrix=rng.normal(size=(len(words), rng.integers(1, 9))).astype(np.float32))


def _text(vectors: Vectors) -> bytes:
    rows = zip(vectors.words, vectors.matrix.astype(np.float64).tolist(), strict=True)
    return "".join(f"{word} {' '.join(map(repr, row))}\n" for word, row in rows).encode()


def _header(claim: Claim) -> bytes:
    return f"{claim.rows} {claim.dim}\n".encode()


def _binary(vectors: Vectors, claim: Claim) -> bytes:
    rows = zip(vectors.words, vectors.matrix.astype("<f4"), strict=True)
    return _header(claim) + b"".join(word.encode() + b" " + row.tobytes() for word, row in rows)


def glove_text(vectors: Vectors, claim: Claim) -> Sample:  # noqa: ARG001 - there is no header to lie in
    return Sample(target="v.txt", entries={"v.txt": _text(vectors)})


def word2vec_text(vectors: Vectors, claim: Claim) -> Sample:
    return Sample(target="v.vec", entries={"v.vec": _header(claim) + _text(vectors)})


def word2vec_binary(vectors: Vectors, claim: Claim) -> Sample:
    return Sample(target="v.bin", entries={"v.bin": _binary(vectors, claim)})


def packed(suffix: str, pack: Callable[[bytes], bytes]) -> Callable[[Vectors, Claim], Sample]:
    """Returns the maker of word2vec's text in a container; with a row to spare, of its binary format."""

    def make(vectors: Vectors, claim: Claim) -> Sample:
        is_text = len(vectors.words) % 4 != 0
        content = _header(claim) + _text(vectors) if is_text else _binary(vectors, claim)
        target = f"v.{'vec' if is_text else 'bin'}{suffix}"
        return Sample(target=target, entries={target: content}, pack=pack)

    return make


def zip_of(content: bytes, *names: str, method: int = zipfile.ZIP_DEFLATED) -> bytes:
    """Returns a zip whose members all have that content."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", method) as archive:
        for name in names:
            archive.writestr(zipfile.ZipInfo(name), content, compress_type=method)
    return file.getvalue()


def zipped(vectors: Vectors, claim: Claim) -> Sample:
    content = _header(claim) + _text(vectors)
    return Sample(target="v.zip", entries={"v.zip": content}, pack=lambda inner: zip_of(inner, "glove.6B.4d.txt"))


def fasttext_binary(vectors: Vectors, claim: Claim) -> Sample:
    """A model of fastText: arguments, dictionary, input matrix (words, then 4 n-gram buckets), output matrix."""
    num_words, dim = vectors.matrix.shape
    buckets = 4
    arguments = (claim.dim, 5, 5, 1, 5, 1, 2, 1, buckets, 2, 3, 100)
    parts = [
        struct.pack("<2i", _FASTTEXT_MAGIC, _FASTTEXT_VERSION),
        struct.pack("<12i", *(_within_int32(number) for number in arguments)),
        struct.pack("<d", 1e-4),
        struct.pack("<3i2q", _within_int32(claim.rows), _within_int32(claim.rows), 0, 1000, -1),
        *(word.encode() + b"\0" + struct.pack("<qb", 7, 0) for word in vectors.words),
        struct.pack("<b2q", 0, claim.rows + buckets, claim.dim),
        vectors.matrix.tobytes() + np.full((buckets, dim), 0.5, np.float32).tobytes(),
        struct.pack("<b2q", 0, num_words, dim),
        vectors.matrix.tobytes(),
    ]
    return Sample(target="model.bin", entries={"model.bin": b"".join(parts)}, exact=False)


def _within_int32(number: int) -> int:
    return max(-(2**31), min(number, 2**31 - 1))


def _npy(matrix: np.ndarray, claim: Claim, descr: str = "<f4") -> bytes:
    file = io.BytesIO()
    shape = {"descr": descr, "fortran_order": False, "shape": (claim.rows, claim.dim)}
    np.lib.format.write_array_header_1_0(file, shape)
    return file.getvalue() + matrix.tobytes()


def npy_and_words(vectors: Vectors, claim: Claim) -> Sample:
    words = "".join(f"{word}\n" for word in vectors.words).encode()
    return Sample(target="v.npy", entries={"v.npy": _npy(vectors.matrix, claim), "v.words.txt": words})


def _lying_safetensors(content: bytes, vectors: Vectors, claim: Claim) -> bytes:
    """Returns the same file with another header: it claims what it does not hold."""
    if claim == vectors.claim:
        return content
    length = int.from_bytes(content[:8], "little")
    header = json.loads(content[8 : 8 + length])
    for name, tensor in header.items():
        if name != "__metadata__" and len(tensor["shape"]) == 2:
            tensor["shape"] = [claim.rows, claim.dim]
            tensor["data_offsets"][1] = tensor["data_offsets"][0] + 4 * claim.rows * claim.dim
    text = json.dumps(header).encode()
    return len(text).to_bytes(8, "little") + text + content[8 + length :]


def safetensors_with_words(vectors: Vectors, claim: Claim) -> Sample:
    encoded = [word.encode() for word in vectors.words]
    tensors = {
        "embedding": vectors.matrix,
        "words": np.frombuffer(b"".join(encoded), dtype=np.uint8),
        "offsets": np.cumsum([0, *map(len, encoded)], dtype=np.int64),
    }
    content = safetensors_of(tensors, metadata={"format": "meltpoint/vectors/1"})
    return Sample(target="v.safetensors", entries={"v.safetensors": _lying_safetensors(content, vectors, claim)})


def safetensors_beside_words(vectors: Vectors, claim: Claim) -> Sample:
    words = "".join(f"{word}\n" for word in vectors.words).encode()
    content = _lying_safetensors(safetensors_of({"weight": vectors.matrix}), vectors, claim)
    return Sample(target="v.safetensors", entries={"v.safetensors": content, "v.words.txt": words})


def spacy_folder(vectors: Vectors, claim: Claim) -> Sample:
    keys = {murmurhash(word.encode()): row for row, word in enumerate(vectors.words)}
    entries: dict[str, Entry] = {
        "model/vocab/vectors": _npy(vectors.matrix, claim),
        "model/vocab/key2row": msgpack.packb(keys),
        "model/vocab/strings.json": json.dumps(sorted(vectors.words)).encode(),
        "model/vocab/vectors.cfg": b'{"mode": "default"}',
        "model/meta.json": b'{"lang": "en", "name": "sample"}',
        "model/config.cfg": b"[nlp]\nlang = en\n",
    }
    return Sample(target="model", entries=entries)


def static_model_folder(vectors: Vectors, claim: Claim) -> Sample:
    tokenizer = Tokenizer(WordLevel({word: row for row, word in enumerate(vectors.words)}, unk_token=vectors.words[0]))
    entries: dict[str, Entry] = {
        "model/model.safetensors": _lying_safetensors(safetensors_of({"embeddings": vectors.matrix}), vectors, claim),
        "model/tokenizer.json": tokenizer.to_str().encode(),
        "model/config.json": b'{"model_type": "model2vec", "normalize": true}',
    }
    return Sample(target="model", entries=entries)


class _Payload:
    """Runs a function of the module ``os`` when it is unpickled."""

    def __reduce__(self) -> tuple[Callable[[], str], tuple[()]]:
        return os.getcwd, ()


def pickles(vectors: Vectors, claim: Claim) -> Sample:
    """Pickles in all the wrappings in which vectors come; to be refused, each of them."""
    content = pickle.dumps([_Payload(), vectors.words], protocol=claim.rows % 6)
    kind = len(vectors.words) % 5
    if kind == 0:
        return _refused("v.pt", zip_of(content, "archive/data.pkl", "archive/version", method=zipfile.ZIP_STORED))
    if kind == 1:
        file = io.BytesIO()
        np.save(file, np.array([_Payload()], dtype=object), allow_pickle=True)
        return _refused("v.npy", file.getvalue())
    if kind == 2:
        return _refused("v.kv", content)
    if kind == 3:
        return _refused("v.txt.gz", gzip.compress(content, mtime=0))
    return _refused("v.zip", zip_of(content, "vectors.txt"))


def _refused(target: str, content: bytes) -> Sample:
    return Sample(target=target, entries={target: content}, exact=False)


def murmurhash(text: bytes, seed: int = 1) -> int:
    """Returns MurmurHash64A (Austin Appleby, 2008), by which spaCy names strings."""
    mask, multiplier = 2**64 - 1, 0xC6A4A7935BD1E995
    hashed = seed ^ (len(text) * multiplier & mask)
    whole = len(text) // 8 * 8
    for (block,) in struct.iter_unpack("<Q", text[:whole]):
        mixed = block * multiplier & mask
        mixed = (mixed ^ (mixed >> 47)) * multiplier & mask
        hashed = (hashed ^ mixed) * multiplier & mask
    if tail := text[whole:]:
        hashed = (hashed ^ int.from_bytes(tail, "little")) * multiplier & mask
    hashed = (hashed ^ (hashed >> 47)) * multiplier & mask
    return hashed ^ (hashed >> 47)


SAMPLES: dict[str, Callable[[Vectors, Claim], Sample]] = {
    "GloVe text": glove_text,
    "word2vec text": word2vec_text,
    "text or binary .gz": packed(".gz", lambda content: gzip.compress(content, mtime=0)),
    "text or binary .bz2": packed(".bz2", bz2.compress),
    "text or binary .xz": packed(".xz", lzma.compress),
    "text or binary .zst": packed(".zst", lambda content: zstandard.ZstdCompressor().compress(content)),
    "member of a .zip": zipped,
    "word2vec binary": word2vec_binary,
    "fastText .bin": fasttext_binary,
    ".npy and words": npy_and_words,
    "safetensors": safetensors_with_words,
    "safetensors and words": safetensors_beside_words,
    "spaCy folder": spacy_folder,
    "static model folder": static_model_folder,
    "pickles": pickles,
}
"""By reader: what makes a valid sample of what it reads."""
