"""What a tokenizer is: a name, and a function from a text to its words."""

from collections.abc import Callable, Iterable


class Tokenizer:
    """Cuts texts into words; called with one text, or :meth:`tokenize_all` with many.

    Attributes:
        name: Its name in the registry, by which :func:`meltpoint.text.tokenizer_named` finds it again.
        words: What its words are like, as in "the vectors hold ...".
    """

    def __init__(self, name: str, cut: Callable[[str], list[str]], *, words: str) -> None:
        self.name = name
        self.words = words
        self._cut = cut

    def __call__(self, text: str) -> list[str]:
        """Returns the words of one text, in order."""
        return self._cut(text)

    def tokenize_all(self, texts: Iterable[str]) -> list[list[str]]:
        """Returns the words of every text, in order."""
        return [self._cut(text) for text in texts]

    def __repr__(self) -> str:
        return f"Tokenizer({self.name!r})"
