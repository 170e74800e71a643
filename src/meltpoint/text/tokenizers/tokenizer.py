"""What a tokenizer is: a name, and a function from a text to its words."""

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tokenizers.normalizers import Normalizer
    from tokenizers.pre_tokenizers import PreTokenizer

    CutChunks = Callable[[Sequence[str]], Sequence[Sequence[str] | None]]
    Rules = Callable[[], "tuple[Normalizer | None, PreTokenizer]"]


class Tokenizer:
    """Cuts texts into words; called with one text, or :meth:`tokenize_all` with many.

    Attributes:
        name: Its name in the registry, by which :func:`meltpoint.text.tokenizer_named` finds it again.
        words: What its words are like, as in "the vectors hold ...".
        rules: Returns the same cutting as a normalizer and a pre-tokenizer of the ``tokenizers`` library, for others
            to use; None where they cannot express it.
        cut_chunks: Returns for each chunk, which stood between two blanks, its words, or None where they depend on what
            stood beside it. Chunks come again and again: whoever reads thousands of texts cuts each once. None where
            texts can only be cut as a whole.
    """

    def __init__(
        self,
        name: str,
        cut: Callable[[str], list[str]],
        *,
        words: str,
        rules: "Rules | None" = None,
        cut_chunks: "CutChunks | None" = None,
    ) -> None:
        self.name = name
        self.words = words
        self.rules = rules
        self.cut_chunks = cut_chunks
        self._cut = cut

    def __call__(self, text: str) -> list[str]:
        """Returns the words of one text, in order."""
        return self._cut(text)

    def tokenize_all(self, texts: Iterable[str]) -> list[list[str]]:
        """Returns the words of every text, in order."""
        return [self._cut(text) for text in texts]

    def __repr__(self) -> str:
        return f"Tokenizer({self.name!r})"
