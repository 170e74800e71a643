"""word2vec's and fastText's published English vectors.

GoogleNews: size and MD5 from the list of gensim-data, whose release holds the original binary file, packed anew. The
authors state no licence for these vectors (that of the word2vec code is Apache-2.0). fastText: sizes and SHA-256 as
recorded by those who have downloaded the files; its pages give neither.
"""

from typing import Any

from meltpoint.vectors.catalogue.entry import CatalogueEntry, RemoteFile

_FASTTEXT_FILES = "https://dl.fbaipublicfiles.com/fasttext"


def _fasttext(name: str, file: RemoteFile, **facts: Any) -> CatalogueEntry:
    shared: dict[str, Any] = {
        "family": "fastText",
        "dim": 300,
        "cased": True,
        "tokenizer": "treebank",
        "licence": "CC-BY-SA-3.0",
        "file_format": "text",
        "homepage": "https://fasttext.cc/docs/en/english-vectors.html",
    }
    return CatalogueEntry(name=name, files=(file,), **(shared | facts))


def _english(name: str, **facts: Any) -> RemoteFile:
    return RemoteFile(name=name, urls=(f"{_FASTTEXT_FILES}/vectors-english/{name}",), **facts)


WORD2VEC = (
    CatalogueEntry(
        name="word2vec-google-news-300d",
        family="word2vec",
        summary="Google News, 100 billion tokens; phrases joined by _, digits as #",
        num_words=3_000_000,
        dim=300,
        cased=True,
        tokenizer="treebank",
        licence=None,
        file_format="word2vec binary",
        homepage="https://code.google.com/archive/p/word2vec/",
        files=(
            RemoteFile(
                name="word2vec-google-news-300.gz",
                urls=(
                    "https://github.com/piskvorky/gensim-data/releases/download/word2vec-google-news-300/"
                    "word2vec-google-news-300.gz",
                ),
                size_bytes=1_743_563_840,
                checksum="md5:a5e5354d40acb95f9ec66d5977d140ef",
            ),
        ),
    ),
    _fasttext(
        "fasttext-wiki-news-300d",
        _english(
            "wiki-news-300d-1M.vec.zip",
            size_bytes=681_808_098,
            checksum="sha256:bdeb85f44892c505953e3654183e9cb0d792ee51be0992460593e27198d746f8",
        ),
        summary="Wikipedia 2017, UMBC and news, 16 billion tokens",
        num_words=999_994,
        member="*.vec",
    ),
    _fasttext(
        "fasttext-wiki-news-subword-300d",
        _english("wiki-news-300d-1M-subword.bin.zip"),
        summary="Wikipedia 2017, UMBC and news, with n-grams: unknown words have vectors too",
        num_words=1_000_000,
        exact_words=False,
        file_format="fastText binary",
        member="*.bin",
    ),
    _fasttext(
        "fasttext-crawl-300d",
        _english(
            "crawl-300d-2M.vec.zip",
            size_bytes=1_523_785_255,
            checksum="sha256:5bfffffbabdab299d4c9165c47275e8f982807a6eaca37ee1f71d3a79ddb544d",
        ),
        summary="Common Crawl, 600 billion tokens",
        num_words=1_999_995,
        member="*.vec",
    ),
    _fasttext(
        "fasttext-crawl-subword-300d",
        _english("crawl-300d-2M-subword.zip"),
        summary="Common Crawl, with n-grams: unknown words have vectors too",
        num_words=2_000_000,
        exact_words=False,
        file_format="fastText binary",
        member="*.bin",
    ),
    _fasttext(
        "fasttext-cc-en-300d",
        RemoteFile(
            name="cc.en.300.bin.gz",
            urls=(f"{_FASTTEXT_FILES}/vectors-crawl/cc.en.300.bin.gz",),
            size_bytes=4_503_593_528,
        ),
        summary="Common Crawl and Wikipedia, with n-grams: unknown words have vectors too",
        num_words=2_000_000,
        exact_words=False,
        file_format="fastText binary",
        homepage="https://fasttext.cc/docs/en/crawl-vectors.html",
    ),
)
