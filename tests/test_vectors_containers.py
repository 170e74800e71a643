"""Plain, gzip and zip: the same vectors out of each, and what is said of damaged ones."""

import bz2
import gzip
import lzma
import sys
import zipfile

import pytest
import zstandard

from meltpoint.errors import VectorFileError
from meltpoint.vectors import open_vectors
from meltpoint.vectors.sources import containers, unpacking

TWO = b"a 1 2\nb 3 4\n"
THREE = b"a 1 2 3\nb 4 5 6\n"


PACKERS = {
    ".gz": lambda content: gzip.compress(content, mtime=0),
    ".bz2": bz2.compress,
    ".xz": lzma.compress,
    ".zst": lambda content: zstandard.ZstdCompressor(write_checksum=True).compress(content),
}


def write_zip(path, members, method=zipfile.ZIP_DEFLATED):
    with zipfile.ZipFile(path, "w", method) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return path


def test_every_container_gives_the_same_vectors(tmp_path):
    (tmp_path / "v.txt").write_bytes(TWO)
    for suffix, pack in PACKERS.items():
        (tmp_path / f"v.txt{suffix}").write_bytes(pack(TWO))
        (tmp_path / f"{suffix[1:]}.txt").write_bytes(pack(TWO))  # known by its bytes, not by its name
    write_zip(tmp_path / "v.zip", {"v.txt": TWO})
    write_zip(tmp_path / "bz2.zip", {"v.vec": b"2 2\n" + TWO}, zipfile.ZIP_BZIP2)
    opened = [open_vectors(path) for path in sorted(tmp_path.iterdir())]
    assert len(opened) == 11
    assert len({vectors.digest for vectors in opened}) == 1
    assert {vectors.name for vectors in opened} > {"v.txt", "v.txt.gz", "gz.txt", "v.txt.zst", "v.vec"}


@pytest.mark.parametrize("suffix", PACKERS)
@pytest.mark.parametrize("padding", [b"", bytes(8)])
def test_several_streams_are_read_to_their_end(tmp_path, suffix, padding):
    pack = PACKERS[suffix]
    path = tmp_path / f"v.txt{suffix}"
    path.write_bytes(pack(TWO) + padding + pack(b"c 5 6\n") + pack(b"") + padding)
    assert open_vectors(path).words[:] == ["a", "b", "c"]


def test_zstandard_of_unknown_length_and_with_a_skippable_frame(tmp_path):
    compressor = zstandard.ZstdCompressor().compressobj()
    content = b"\x50\x2a\x4d\x18\x04\x00\x00\x00skip" + compressor.compress(MANY) + compressor.flush()
    (tmp_path / "v.zst").write_bytes(content)
    assert len(open_vectors(tmp_path / "v.zst")) == 3000


def test_zstandard_that_is_not_installed(tmp_path, monkeypatch):
    (tmp_path / "v.zst").write_bytes(PACKERS[".zst"](TWO))
    monkeypatch.setitem(sys.modules, "zstandard", None)
    with pytest.raises(VectorFileError, match=r"v\.zst: expected the package zstandard .* pip install zstandard"):
        open_vectors(tmp_path / "v.zst")


@pytest.mark.parametrize("suffix", [*PACKERS, ".zip"])
def test_what_unpacks_without_end_is_refused(tmp_path, monkeypatch, suffix):
    monkeypatch.setattr(containers, "_HARMLESS_BYTES", 1 << 20)
    content = b"".join(b"w%d" % n + b" 0" * 5000 + b"\n" for n in range(1000))
    path = tmp_path / f"v{suffix}"
    if suffix == ".zip":
        write_zip(path, {"v.txt": content})
    else:
        path.write_bytes(PACKERS[suffix](content))
    with pytest.raises(
        VectorFileError, match=r"expected to unpack to less than 200 times its .* bytes, .*unpack it by hand and open"
    ):
        open_vectors(path)
    monkeypatch.undo()
    assert len(open_vectors(path)) == 1000  # ten megabytes of it are harmless


def test_xz_that_asks_for_too_much_memory(tmp_path, monkeypatch):
    monkeypatch.setattr(unpacking, "_MOST_XZ_MEMORY_BYTES", 1 << 20)
    (tmp_path / "v.xz").write_bytes(lzma.compress(TWO, preset=9))
    with pytest.raises(VectorFileError, match="Memory usage limit exceeded"):
        open_vectors(tmp_path / "v.xz")


def test_member_that_is_about_the_vectors_is_passed_over(tmp_path):
    members = {"Readme.txt": b"x", "a/LICENSE.txt": b"x", "wiki.vec": TWO}
    assert open_vectors(write_zip(tmp_path / "z.zip", members)).name == "wiki.vec"


MEMBERS = {"glove.6B.2d.txt": TWO, "glove.6B.3d.txt": THREE, "glove.6B.33d.txt": TWO, "README": b"read me"}


@pytest.mark.parametrize(
    ("choice", "name"),
    [
        ({"member": "glove.6B.2d.txt"}, "glove.6B.2d.txt"),
        ({"member": "*2d*"}, "glove.6B.2d.txt"),
        ({"member": "*[!3]3d*"}, "glove.6B.3d.txt"),
        ({"dim": 2}, "glove.6B.2d.txt"),
        ({"dim": 3}, "glove.6B.3d.txt"),
        ({"dim": 3, "member": "*.3d*"}, "glove.6B.3d.txt"),
    ],
)
def test_member_is_chosen(tmp_path, choice, name):
    vectors = open_vectors(write_zip(tmp_path / "glove.6B.zip", MEMBERS), **choice)
    assert vectors.name == name
    assert vectors.source == str(tmp_path / "glove.6B.zip")


@pytest.mark.parametrize(
    ("members", "choice", "message"),
    [
        (
            MEMBERS,
            {},
            r"exactly one member that is a \.txt, \.vec or \.bin file, found 3\. The zip holds glove.*dim=",
        ),
        (MEMBERS, {"member": "*d.txt"}, r"matches member='\*d\.txt', found 3"),
        (MEMBERS, {"member": "nothing"}, r"matches member='nothing', found none\. The zip holds glove"),
        (MEMBERS, {"dim": 300}, r"with 300d in its name, found none"),
        (MEMBERS, {"dim": 33}, r"glove\.6B\.33d\.txt: expected 33 dimensions as asked for by dim, found 2"),
        ({"README": b""}, {}, r"found none\. The zip holds README\. Choose"),
        ({}, {}, r"found none\. The zip holds no files"),
        ({f"{n}.txt": b"" for n in range(30)}, {}, r"11\.txt and 18 more\. Choose"),
        ({"v.txt": b"a 1 2\nb 1\n"}, {}, r"z\.zip/v\.txt:2: expected a word and 2 numbers"),
    ],
)
def test_member_is_not_determined(tmp_path, members, choice, message):
    with pytest.raises(VectorFileError, match=message):
        open_vectors(write_zip(tmp_path / "z.zip", members), **choice)


def test_only_text_member_is_found_in_a_folder_of_the_zip(tmp_path):
    path = write_zip(tmp_path / "z.zip", {"in/": b"", "in/v.txt": TWO, "__MACOSX/in/._v.txt": b"x", "LICENSE": b"x"})
    assert open_vectors(path).name == "v.txt"
    assert open_vectors(path, member="v.txt").digest == open_vectors(path).digest


def test_member_of_a_plain_file_is_refused(tmp_path):
    (tmp_path / "v.txt").write_bytes(TWO)
    with pytest.raises(VectorFileError, match=r"member='x' is for a zip, and this file is not one"):
        open_vectors(tmp_path / "v.txt", member="x")


def test_member_without_a_name(tmp_path):
    path = write_zip(tmp_path / "z.zip", {"?": b"x"}, zipfile.ZIP_STORED)
    path.write_bytes(path.read_bytes().replace(b"?", b"\0"))
    with pytest.raises(VectorFileError, match="The zip holds no files"):
        open_vectors(path)


def test_encrypted_zip(tmp_path):
    path = write_zip(tmp_path / "z.zip", {"v.txt": TWO}, zipfile.ZIP_STORED)
    content = bytearray(path.read_bytes())
    content[6] |= 1  # the flag in the member's own header
    content[content.index(b"PK\x01\x02") + 8] |= 1  # and in the directory
    path.write_bytes(content)
    with pytest.raises(VectorFileError, match=r"z\.zip/v\.txt: the zip is encrypted; unpack it"):
        open_vectors(path)


MANY = b"".join(b"w%d 0.%d 1\n" % (n, n) for n in range(3000))


@pytest.mark.parametrize("kept", [0.1, 0.5, 0.99])
@pytest.mark.parametrize("suffix", [*PACKERS, ".zip"])
def test_cut_short(tmp_path, suffix, kept):
    path = tmp_path / f"v{suffix}"
    if suffix == ".zip":
        write_zip(path, {"v.txt": MANY})
    else:
        path.write_bytes(PACKERS[suffix](MANY))
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * kept)])
    with pytest.raises(VectorFileError, match=r"damaged or cut short \(.+\); download or pack it again"):
        open_vectors(path)


def test_flipped_byte_in_a_zip_is_noticed(tmp_path):
    path = write_zip(tmp_path / "v.zip", {"v.txt": MANY}, zipfile.ZIP_STORED)
    content = path.read_bytes().replace(b"w2000 0.2000", b"w2000 0.2001")
    path.write_bytes(content)
    with pytest.raises(VectorFileError, match="Bad CRC-32"):
        open_vectors(path)


def test_declared_size_is_not_trusted(tmp_path):
    path = write_zip(tmp_path / "v.zip", {"v.txt": MANY})
    content = bytearray(path.read_bytes())
    directory = content.index(b"PK\x01\x02")
    content[directory + 24 : directory + 28] = (100).to_bytes(4, "little")  # uncompressed size, as declared
    path.write_bytes(content)
    with pytest.raises(VectorFileError, match=r"v\.zip/v\.txt"):
        open_vectors(path)


@pytest.mark.parametrize("suffix", PACKERS)
def test_flipped_byte_is_noticed(tmp_path, suffix):
    content = bytearray(PACKERS[suffix](MANY))
    content[len(content) // 2] ^= 0x10
    (tmp_path / f"v{suffix}").write_bytes(content)
    with pytest.raises(VectorFileError):
        open_vectors(tmp_path / f"v{suffix}")


@pytest.mark.parametrize("name", ["v.gz", "v.zip", "v.bz2", "v.xz", "v.zst"])
def test_name_that_lies(tmp_path, name):
    (tmp_path / name).write_bytes(TWO)
    with pytest.raises(VectorFileError, match="file as its name says, found other bytes at its start"):
        open_vectors(tmp_path / name)
