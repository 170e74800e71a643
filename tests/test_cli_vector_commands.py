"""The commands that list, describe and get vectors."""

import dataclasses
import io
import json
import sys
import threading
import zipfile
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

import pytest
from rich.console import Console

from meltpoint.cli import main, output
from meltpoint.cli.download_progress import following
from meltpoint.vectors.catalogue import CATALOGUE, RemoteFile, find_entry, sets
from meltpoint.vectors.catalogue.places import downloads_folder
from meltpoint.vectors.download import Progress

LINES = "the 1 2 3\nof 4 5 6\nparis 7 8 9\n"


@pytest.fixture
def meltpoint(monkeypatch, capsys):
    """Calls the command line in this process: (exit code, standard output, standard error)."""
    # The console took its width when it was made, from COLUMNS where a test runner sets it.
    monkeypatch.setattr(output.results, "width", 140)

    def call(*arguments):
        monkeypatch.setattr(sys, "argv", ["meltpoint", *map(str, arguments)])
        with pytest.raises(SystemExit) as end:
            main()
        return end.value.code or 0, *capsys.readouterr()

    return call


@pytest.fixture
def home(tmp_path, monkeypatch):
    """The downloads folder of a fresh cache."""
    monkeypatch.setenv("MELTPOINT_CACHE", str(tmp_path / "cache"))
    return downloads_folder()


@pytest.fixture
def served(tmp_path, monkeypatch):
    """A set that a server on this machine has, under the name ``small-3d``."""
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    folder = tmp_path / "served"
    folder.mkdir()
    with zipfile.ZipFile(folder / "small.zip", "w") as archive:
        archive.writestr("small.3d.txt", LINES)
        archive.writestr("small.2d.txt", "the 1 2\n")

    class Handler(SimpleHTTPRequestHandler):
        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Handler, directory=folder))
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    url = f"http://127.0.0.1:{server.server_port}/small.zip"
    entry = dataclasses.replace(
        find_entry("glove-6b-100d"),
        name="small-3d",
        num_words=3,
        dim=3,
        member="*.3d.txt",
        files=(RemoteFile(name="small.zip", urls=(url,)),),
    )
    monkeypatch.setitem(sets.ENTRIES, entry.name, entry)
    yield entry
    server.shutdown()
    server.server_close()
    thread.join()


def test_list_shows_every_set(meltpoint, home, glove):
    code, out, err = meltpoint("vectors", "list")
    assert (code, err) == (0, "")
    heading, *rows = [line.split() for line in out.splitlines()]
    assert heading == ["name", "words", "dim", "case", "tokenizer", "licence", "download", "state"]
    assert [row[0] for row in rows] == [entry.name for entry in CATALOGUE]
    by_name = {row[0]: " ".join(row[1:]) for row in rows}
    assert by_name["glove-6b-50d"] == "400,000 50 lower treebank-lower PDDL-1.0 (public domain) 862 MB installed"
    assert by_name["glove-840b-300d"] == "2,196,017 300 cased treebank PDDL-1.0 (public domain) 2.2 GB to get"
    assert by_name["glove-2024-dolma-300d"].startswith("~1,200,000 300 lower")
    assert "~1.6 GB to get" in by_name["glove-2024-dolma-300d"]
    assert by_name["word2vec-google-news-300d"] == "3,000,000 300 cased treebank unknown 1.7 GB to get"
    assert by_name["fasttext-crawl-subword-300d"].endswith("CC-BY-SA-3.0 unknown to get")


@pytest.mark.parametrize(("width", "left_out"), [(80, ["licence", "tokenizer"]), (100, ["licence"]), (60, None)])
def test_list_leaves_out_columns_before_it_cuts_any(monkeypatch, meltpoint, home, width, left_out):
    monkeypatch.setattr(output.results, "width", width)
    code, out, err = meltpoint("vectors", "list")
    assert (code, err) == (0, "")
    assert all(len(line) <= width for line in out.splitlines())
    assert ("\u2026" in out) == (left_out is None)
    if left_out is not None:
        assert not set(out.split("\n", 1)[0].split()) & set(left_out)
        assert out.endswith(f"Left out for width: {', '.join(left_out)}. Of one: meltpoint vectors info NAME\n")


def test_list_as_json(meltpoint, home):
    code, out, err = meltpoint("vectors", "list", "--json")
    document = json.loads(out)
    assert (code, err, len(document)) == (0, "", len(CATALOGUE))
    entry = document[0]
    assert entry["name"] == "glove-6b-50d"
    assert entry["words"] == 400_000
    assert entry["words_exact"] is True
    assert entry["files"][0]["checksum"].startswith("sha256:")
    assert entry["files"][0]["urls"][0].startswith("https://")
    assert {one["state"] for one in document} <= {"downloaded", "installed", "to get", "to install"}


def test_info_of_a_set_that_is_elsewhere(meltpoint, home):
    code, out, err = meltpoint("vectors", "info", "glove-twitter-27b-25d")
    assert (code, err) == (0, "")
    facts = dict(line.split(maxsplit=1) for line in out.splitlines() if not line.startswith(" "))
    assert facts["what"].strip() == "GloVe 2014: 2 billion tweets, 27 billion tokens"
    assert facts["size"].strip() == "1,193,514 words x 25, all lower-case, text"
    assert facts["tokenizer"].strip() == "twitter"
    assert facts["state"].strip() == "to get"
    assert "792af52f795d1a32c9842a3240f5f3fe5e941a8ff6df5eb0f9d668092ebc019c" in out
    assert not home.exists()


def test_info_says_what_is_not_known(meltpoint, home):
    assert "unknown: its authors state none" in meltpoint("vectors", "info", "word2vec-google-news-300d")[1]
    assert "checksum unknown" in meltpoint("vectors", "info", "glove-2024-dolma-300d")[1]


def test_info_of_an_installed_set(meltpoint, glove):
    code, out, err = meltpoint("vectors", "info", "glove-6b-50d")
    assert (code, err) == (0, "")
    assert "pip install 'meltpoint[glove]'" in out
    assert "state      installed: " in out
    assert "glove-6b-50d: 400,000 words x 50 dimensions, all lower-case" in out
    assert "first words  the  ,  .  of  to  and  in  a" in " ".join(out.split(" "))
    assert "median 4.8578, from 2.3593 to 14.1216" in out
    document = json.loads(meltpoint("vectors", "info", "glove-6b-50d", "--json")[1])
    assert document["catalogue"]["state"] == "installed"
    assert document["vectors"]["words"] == 400_000
    assert document["vectors"]["first_words"][:3] == ["the", ",", "."]
    assert document["vectors"]["norms"]["median"] == pytest.approx(4.8578, abs=1e-3)
    assert document["vectors"]["report"]["store"] == str(glove.report.store)


def test_info_of_a_file(meltpoint, home, tmp_path):
    path = tmp_path / "small.txt"
    path.write_text(LINES.replace("paris", "[red]"))  # no markup of ours
    code, out, err = meltpoint("vectors", "info", path)
    assert (code, err) == (0, "")
    assert "3 words x 3 dimensions" in out
    assert "the  of  [red]" in out
    document = json.loads(meltpoint("vectors", "info", path, "--json")[1])
    assert list(document) == ["vectors"]
    assert document["vectors"]["norms"]["rows"] == 3
    assert document["vectors"]["licence"] is None


def test_info_of_nothing(meltpoint, home):
    code, out, err = meltpoint("vectors", "info", "glove-6b-55d")
    assert (code, out) == (2, "")
    assert "Did you mean glove-6b-50d" in err


def test_get_downloads_and_opens(meltpoint, home, served):
    code, out, err = meltpoint("vectors", "get", "small-3d")
    assert code == 0, err
    assert err.splitlines()[0].startswith("small-3d: 3 words x 3, unknown, licence PDDL-1.0")
    place, report, *_ = out.splitlines()
    assert place == str(home / "small.zip")
    assert report.startswith("small-3d")
    assert "3 words x 3 dimensions, all lower-case" in report
    code, out, err = meltpoint("vectors", "get", "Small-3D", "--json")
    document = json.loads(out)
    assert (code, err) == (0, "")
    assert document["path"] == str(home / "small.zip")
    assert document["vectors"]["first_words"] == ["the", "of", "paris"]
    assert "state      downloaded: " in meltpoint("vectors", "info", "small-3d")[1]


def test_get_into_a_folder_of_ones_own(meltpoint, home, served, tmp_path):
    code, _, err = meltpoint("vectors", "get", "small-3d", "--folder", tmp_path / "mine")
    assert code == 0, err
    assert (tmp_path / "mine" / "small.zip").is_file()
    assert sorted(path.name for path in home.iterdir()) == ["small.zip.json"]
    assert str(tmp_path / "mine" / "small.zip") in meltpoint("vectors", "info", "small-3d")[1]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("glove-6b-55d", "expected a name of the catalogue, found 'glove-6b-55d'. Did you mean glove-6b-50d"),
        ("qqqqqqqq", "found 'qqqqqqqq'. For all of them: meltpoint vectors list"),
        ("wordllama-256d", "run: pip install wordllama; it comes with that package, and there is no file to download"),
    ],
)
def test_get_of_what_cannot_be_got(meltpoint, home, name, expected):
    code, out, err = meltpoint("vectors", "get", name)
    assert (code, out) == (2, "")
    assert expected in " ".join(err.split())
    assert err.splitlines()[-1].startswith("meltpoint: ")
    assert not home.exists()


def test_get_without_a_network(meltpoint, home, served, monkeypatch):
    file = dataclasses.replace(served.files[0], urls=("http://127.0.0.1:9/small.zip",))
    monkeypatch.setitem(sets.ENTRIES, "small-3d", dataclasses.replace(served, files=(file,)))
    code, out, err = meltpoint("vectors", "get", "small-3d")
    assert (code, out) == (2, "")
    assert "this machine seems to be offline" in err.splitlines()[-1]
    assert "Traceback" not in err


def test_an_interrupted_get_can_go_on(meltpoint, home, monkeypatch):
    def interrupt(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr("meltpoint.vectors.download.get_vectors", interrupt)
    code, out, err = meltpoint("vectors", "get", "glove-6b-300d")
    assert (code, out) == (3, "")
    assert "what has arrived is kept: the same command goes on from there." in err


def test_progress_in_a_terminal_is_a_bar():
    stream = io.StringIO()
    with following(Console(file=stream, force_terminal=True, highlight=False, width=100)) as watch:
        watch(Progress(name="a.zip", received_bytes=500_000, total_bytes=None))
        watch(Progress(name="a.zip", received_bytes=1_000_000, total_bytes=2_000_000, note="no [red] herring"))
        watch(Progress(name="a.zip", received_bytes=2_000_000, total_bytes=2_000_000))
    shown = stream.getvalue()
    assert "a.zip: no [red] herring" in shown
    assert "2.0/2.0 MB" in shown


def test_progress_elsewhere_is_a_line_now_and_then(monkeypatch):
    stream = io.StringIO()
    clock = iter(range(0, 1000, 15))
    monkeypatch.setattr("meltpoint.cli.download_progress.time.monotonic", lambda: next(clock))
    with following(Console(file=stream, width=100)) as watch:
        for megabytes in range(1, 6):
            watch(Progress(name="a.zip", received_bytes=megabytes * 10**6, total_bytes=5_000_000))
        watch(Progress(name="a.zip", received_bytes=5_000_000, total_bytes=None, note="checking"))
    lines = stream.getvalue().splitlines()
    assert lines[-1] == "a.zip: checking"
    assert 0 < len(lines) < 6
    assert lines[0].endswith(" of 5 MB")


def test_the_commands_of_vectors_are_described(meltpoint):
    code, out, _ = meltpoint("vectors", "--help")
    assert code == 0
    for command in ("list", "info", "get", "search", "analogy", "evaluate", "convert"):
        assert f" {command} " in out
