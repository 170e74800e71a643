"""The store: mapped when whole, rebuilt when damaged, shared between processes, never half-written."""

import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import platformdirs
import pytest

from meltpoint.errors import DiskError, VectorFileError
from meltpoint.vectors import open_vectors
from meltpoint.vectors.building import build, store_writer
from meltpoint.vectors.cache import cache_folder
from meltpoint.vectors.store.manifest import MANIFEST_FILE, write_manifest
from meltpoint.vectors.store.mapped import DATA_FILES, META_FILE

CONTENT = b"".join(b"w%d %d 0.5\n" % (n, n) for n in range(2000))


@pytest.fixture
def file(tmp_path, monkeypatch):
    """A file of vectors, and a cache of the test's own."""
    monkeypatch.setenv("MELTPOINT_CACHE", str(tmp_path / "cache"))
    path = tmp_path / "v.txt"
    path.write_bytes(CONTENT)
    return path


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def stores(file: Path) -> list[str]:
    return names(file.parent / "cache" / "vectors")


@pytest.mark.parametrize("unset", [None, ""])
@pytest.mark.parametrize(
    ("xdg", "home"),
    [(None, "/home/a"), (None, "/home/a/"), ("", "/home/a"), ("/x/c", "/home/a"), ("x/c", "/home/a"), (None, "a")],
)
def test_default_place_is_the_users_cache(monkeypatch, unset, xdg, home):
    for name, value in (("MELTPOINT_CACHE", unset), ("XDG_CACHE_HOME", xdg), ("HOME", home)):
        if value is None:
            monkeypatch.delenv(name, raising=False)
        else:
            monkeypatch.setenv(name, value)
    assert Path(cache_folder()) == platformdirs.user_cache_path("meltpoint") / "vectors"


def no_building(*_):
    pytest.fail("the store was built again")


def test_second_open_reads_nothing(file, monkeypatch):
    first = open_vectors(file)
    monkeypatch.setattr(build, "build_store", no_building)
    second = open_vectors(str(file))
    assert second.digest == first.digest
    assert second.report == first.report
    assert second.report.store.parent == file.parent / "cache" / "vectors"
    assert names(second.report.store) == sorted([*DATA_FILES, MANIFEST_FILE])
    assert stores(file) == [second.report.store.name]


def test_the_files_are_what_they_say(file):
    vectors = open_vectors(file)
    store = vectors.report.store
    meta = json.loads((store / META_FILE).read_text())
    assert (meta["rows_read"], meta["digest"]) == (2000, vectors.digest)
    title, *lines = (store / MANIFEST_FILE).read_text().splitlines()
    assert title == "meltpoint store 5: 6 files"
    sizes = {line.split(" ", 2)[2]: int(line.split(" ")[0]) for line in lines}
    assert sizes == {name: (store / name).stat().st_size for name in DATA_FILES}
    assert np.load(store / "matrix.npy", allow_pickle=False).tobytes() == vectors.matrix.tobytes()
    assert (store / "words.bin").read_bytes().decode() == "".join(vectors.words)
    assert np.load(store / "offsets.npy")[-1] == (store / "words.bin").stat().st_size
    hashes = np.load(store / "hashes.npy")
    assert (hashes[:-1] < hashes[1:]).all()


def test_changed_file_is_read_again_and_its_old_store_removed(file):
    other = open_vectors(shutil.copy(file, file.with_name("other.txt"))).report.store
    first = open_vectors(file)
    file.write_bytes(CONTENT + b"more 1 1\n")
    second = open_vectors(file)
    assert "more" in second
    assert "more" not in first
    assert "w1999" in first  # its mapping outlives its files
    assert stores(file) == sorted([other.name, second.report.store.name])


def test_store_of_a_changed_file_that_cannot_be_moved_stays(file, monkeypatch):
    first = open_vectors(file).report.store
    rename = Path.rename

    def refuse(path, target):
        if path == first:
            raise PermissionError(13, "in use")
        return rename(path, target)

    monkeypatch.setattr(Path, "rename", refuse)
    file.write_bytes(CONTENT + b"more 1 1\n")
    second = open_vectors(file).report.store
    assert stores(file) == sorted([first.name, second.name])


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-1])


def zero(path: Path) -> None:
    path.write_bytes(bytes(path.stat().st_size))


def zero_the_end(path: Path) -> None:
    """What a crash may leave of a file whose last pages never reached the disk."""
    content = path.read_bytes()
    path.write_bytes(content[: -len(content) // 3] + bytes(len(content) - len(content[: -len(content) // 3])))


def replace(old: str, new: str):
    def change(path: Path) -> None:
        content = path.read_text()
        assert old in content
        path.write_text(content.replace(old, new, 1))

    return change


def without_line(end: str, *, counted: bool):
    def change(path: Path) -> None:
        lines = [line for line in path.read_text().splitlines(keepends=True) if not line.endswith(f"{end}\n")]
        path.write_text("".join(lines).replace("6 files", "5 files" if counted else "6 files"))

    return change


@pytest.mark.parametrize(
    ("name", "array"),
    [
        ("matrix.npy", np.zeros((2000, 2))),
        ("matrix.npy", np.zeros((1999, 2), np.float32)),
        ("matrix.npy", np.zeros(2000, np.float32)),
        ("matrix.npy", np.zeros((2000, 2), np.float32, order="F")),
        ("hashes.npy", np.zeros(2001, np.uint64)),
        ("order.npy", np.zeros((2000, 1), np.int64)),
        ("offsets.npy", np.zeros(2000, np.int64)),
    ],
)
def test_store_of_arrays_that_do_not_fit_is_built_again(file, name, array):
    whole = open_vectors(file)
    path = whole.report.store / name
    path.unlink()  # what is mapped stays as it was
    np.save(path, array)
    write_manifest(path.parent, DATA_FILES)
    repaired = open_vectors(file)
    assert (repaired.digest, repaired.words[:]) == (whole.digest, whole.words[:])
    assert repaired.matrix.tobytes() == whole.matrix.tobytes()


@pytest.mark.parametrize(
    ("name", "damage"),
    [
        *((name, Path.unlink) for name in (*DATA_FILES, MANIFEST_FILE)),
        *((name, cut) for name in (*DATA_FILES, MANIFEST_FILE)),
        *((name, zero) for name in (*DATA_FILES, MANIFEST_FILE)),
        *((name, zero_the_end) for name in (*DATA_FILES, MANIFEST_FILE)),
        *(
            (MANIFEST_FILE, without_line(f" {name}", counted=counted))
            for name in DATA_FILES
            for counted in (True, False)
        ),
        (META_FILE, replace("2000", "2001")),
        (MANIFEST_FILE, lambda path: path.write_bytes(b"")),
        (MANIFEST_FILE, lambda path: path.write_bytes(b"\xff")),
        (MANIFEST_FILE, replace("meltpoint store 5", "meltpoint store 4")),
        (MANIFEST_FILE, replace(" meta.json", " ./meta.json")),
        (MANIFEST_FILE, replace(" meta.json", " tokenizer.json")),
        (MANIFEST_FILE, lambda path: path.write_text(path.read_text() + "more\n")),
        (MANIFEST_FILE, lambda path: path.write_text("meltpoint store 5: 1 files\nmatrix.npy\n")),
    ],
)
def test_damaged_store_is_built_again(file, name, damage):
    whole = open_vectors(file)
    words = whole.words[:]  # taken out now: what follows changes the bytes that are mapped
    damage(whole.report.store / name)
    repaired = open_vectors(file)
    assert repaired.digest == whole.digest
    assert repaired.words[:] == words
    assert repaired.report.store == whole.report.store
    assert stores(file) == [repaired.report.store.name]


def test_failed_reading_leaves_nothing(file):
    file.write_bytes(CONTENT + b"bad 1\n")
    with pytest.raises(VectorFileError, match=":2001: expected a word and 2 numbers"):
        open_vectors(file)
    assert stores(file) == []


def test_cache_in_an_impossible_place(file, monkeypatch):
    monkeypatch.setenv("MELTPOINT_CACHE", str(file))
    with pytest.raises(DiskError, match=r"cannot be written in .*v\.txt.vectors: Not a directory\. .*MELTPOINT_CACHE"):
        open_vectors(file)


PROGRAM = """
import resource, signal, sys
from meltpoint.errors import DiskError
from meltpoint.vectors import open_vectors
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (8192, 8192))
try:
    open_vectors(sys.argv[1])
except DiskError as error:
    print(error)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="the limit on a file's size is POSIX's")
def test_disk_refuses_to_take_more(file):
    done = subprocess.run([sys.executable, "-c", PROGRAM, str(file)], capture_output=True, text=True, check=True)
    assert "File too large" in done.stdout
    assert "nothing half-written was left behind" in done.stdout
    assert stores(file) == []


def test_full_disk_says_so(file, monkeypatch):
    def full(*_, **__):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(store_writer, "sort_hashes", full)
    with pytest.raises(DiskError, match=r"No space left on device\. Free some space there, or set MELTPOINT_CACHE"):
        open_vectors(file)
    assert stores(file) == []


def test_two_processes_at_once(file):
    program = (
        "import sys; from meltpoint.vectors import open_vectors; "
        "from meltpoint.vectors.building import build; sys.stdin.read(1); "
        "print(open_vectors(sys.argv[1]).digest)"
    )
    file.write_bytes(b"".join(b"w%d %d 0.5\n" % (n, n) for n in range(40_000)))
    processes = [
        subprocess.Popen([sys.executable, "-c", program, str(file)], stdin=-1, stdout=-1, stderr=-1) for _ in range(2)
    ]
    for process in processes:
        process.stdin.write(b"!")
        process.stdin.flush()
    results = [process.communicate() for process in processes]
    assert [errors for _, errors in results] == [b"", b""]
    assert len({digest for digest, _ in results}) == 1
    assert len(stores(file)) == 1


def test_store_of_a_faster_process_is_used(file, monkeypatch):
    """The other process finishes while this one is reading: its store stays, byte by byte and inode by inode."""
    write_index = store_writer.sort_hashes
    others = []

    def let_another_finish_first(hashes):
        monkeypatch.setattr(store_writer, "sort_hashes", write_index)
        others.append(open_vectors(file).report.store)
        others.append((others[0] / META_FILE).stat().st_ino)
        return write_index(hashes)

    monkeypatch.setattr(store_writer, "sort_hashes", let_another_finish_first)
    mine = open_vectors(file).report.store
    assert [mine, (mine / META_FILE).stat().st_ino] == others
    assert len(stores(file)) == 1


def test_store_that_vanishes_is_an_error(file, monkeypatch):
    put = build._put_in_place
    monkeypatch.setattr(
        build, "_put_in_place", lambda unfinished, folder: (put(unfinished, folder), shutil.rmtree(folder))
    )
    with pytest.raises(DiskError, match="which was just written, found it gone or damaged"):
        open_vectors(file)


def test_remains_of_a_killed_process_are_removed_when_old(file):
    parent = file.parent / "cache" / "vectors"
    for name in ("old", "new"):
        (parent / f".building-{name}").mkdir(parents=True)
        (parent / f".building-{name}" / "matrix.npy").write_bytes(b"x")
    two_days_ago = time.time() - 2 * 24 * 3600
    os.utime(parent / ".building-old", (two_days_ago, two_days_ago))
    store = open_vectors(file).report.store
    assert stores(file) == sorted([".building-new", store.name])


def test_file_that_changes_while_it_is_read(file, monkeypatch):
    hashing = store_writer.hash_words

    def change_the_file(text, offsets):
        file.write_bytes(CONTENT * 2)
        return hashing(text, offsets)

    monkeypatch.setattr(store_writer, "hash_words", change_the_file)
    with pytest.raises(VectorFileError, match="the file changed while it was being read"):
        open_vectors(file)
    assert stores(file) == []


@pytest.mark.parametrize("name", sorted({*DATA_FILES} - {META_FILE}))
def test_a_file_that_is_cut_short_after_opening_is_an_error(file, name):
    vectors = open_vectors(file)
    vectors.gather(["w7"])
    [folder] = (file.parent / "cache" / "vectors").iterdir()
    os.truncate(folder / name, 10)
    with pytest.raises(VectorFileError, match=rf"{name}.*: expected .* bytes as when it was opened, found 10: .*again"):
        vectors.gather(["w7", "w1999"])
