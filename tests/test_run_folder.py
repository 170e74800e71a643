"""The run folder: claimed before anything is written, whole files only, given back where nothing was found."""

import json
from pathlib import Path

import pytest

from meltpoint.errors import DiskError, RunFolderError
from meltpoint.run.folder import LEDGER, claim_folder, release_folder, write_json


def test_a_claim_says_what_it_made_and_can_be_given_back(tmp_path):
    folder = tmp_path / "deep" / "run"
    made = claim_folder(folder, resume=False)
    assert made == (folder, tmp_path / "deep")
    for name in (LEDGER, f"{LEDGER}-wal"):
        (folder / name).touch()
    release_folder(folder, made)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_was_there_stays(tmp_path):
    made = claim_folder(tmp_path, resume=False)
    assert made == ()
    release_folder(tmp_path, made)
    assert tmp_path.is_dir()


def test_a_file_that_came_meanwhile_stays(tmp_path):
    folder = tmp_path / "run"
    made = claim_folder(folder, resume=False)
    (folder / "notes.txt").write_text("mine")
    release_folder(folder, made)
    assert [path.name for path in folder.iterdir()] == ["notes.txt"]


@pytest.mark.parametrize(
    ("inside", "resume", "message"),
    [
        ([LEDGER], False, "already holds a study. Go on with it by --resume"),
        ([], True, "Nothing to resume: .* holds no study.db"),
        (["a", "b", "c", "d"], False, r"holds something else \(a, b, c, \.\.\.\)"),
        (["a"], True, "Nothing to resume"),
    ],
)
def test_what_cannot_be_claimed(inside, resume, message, tmp_path):
    for name in inside:
        (tmp_path / name).touch()
    with pytest.raises(RunFolderError, match=message):
        claim_folder(tmp_path, resume=resume)
    assert sorted(path.name for path in tmp_path.iterdir()) == inside


def test_a_folder_that_cannot_be_made(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(DiskError, match=r"Cannot make the folder .*Choose another with --out"):
        claim_folder(tmp_path / "file" / "run", resume=False)


def test_json_is_written_whole_or_not_at_all(tmp_path, monkeypatch):
    path = tmp_path / "verdict.json"
    write_json(path, {"word": "schön", "points": 1.5})
    assert path.read_text(encoding="utf-8") == '{\n  "word": "schön",\n  "points": 1.5\n}\n'

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(
        DiskError, match=r"Cannot write .*No space left on device\. What stood there before still stands"
    ):
        write_json(path, {"word": "other"})
    assert json.loads(path.read_text(encoding="utf-8"))["word"] == "schön"
    assert [entry.name for entry in tmp_path.iterdir()] == ["verdict.json"]


def test_json_knows_no_nan(tmp_path):
    with pytest.raises(ValueError, match="JSON"):
        write_json(tmp_path / "verdict.json", {"points": float("nan")})
    assert list(Path(tmp_path).iterdir()) == []
