"""Tokenizers that vectors bring along: the ``tokenizer.json`` of models whose words are pieces of words."""

import json
from typing import Any

import tokenizers

from meltpoint.errors import InputError
from meltpoint.text.tokenizers.tokenizer import Tokenizer

OWN_TOKENIZER = "tokenizer.json"


class OwnTokenizer(Tokenizer):
    """WordPiece, BPE or Unigram, as a ``tokenizer.json`` describes it: ``melting`` -> ``melt``, ``##ing``.

    Nothing is added (no ``[CLS]``), padded or cut off. What the tokenizer does not know stays as it is written, so that
    it can be told; it has no vector.

    Attributes:
        content: The bytes of the ``tokenizer.json``, to be kept with a model.
    """

    def __init__(self, content: bytes, *, place: str = OWN_TOKENIZER) -> None:
        """Reads the tokenizer.

        Args:
            content: A ``tokenizer.json``.
            place: Where it comes from, for errors.

        Raises:
            InputError: It is none, or not one that the ``tokenizers`` library reads.
        """
        super().__init__(OWN_TOKENIZER, self._cut_into_pieces, words="pieces of words (melt ##ing)")
        self.content = content
        try:
            self._pieces = tokenizers.Tokenizer.from_str(content.decode("utf-8"))
            self._unknown = _unknown_piece(json.loads(content))
        except Exception as error:  # the library raises Exception itself for whatever it cannot read
            raise InputError(
                f"{place}: expected the tokenizer.json of a WordPiece, BPE or Unigram model, found what the tokenizers "
                f"library cannot read ({error}); get the model's folder again."
            ) from error
        self._pieces.no_padding()
        self._pieces.no_truncation()

    def __reduce__(self) -> tuple[type["OwnTokenizer"], tuple[bytes]]:
        """Goes to other processes as its file."""
        return OwnTokenizer, (self.content,)

    def _cut_into_pieces(self, text: str) -> list[str]:
        encoded = self._pieces.encode(text, add_special_tokens=False)
        if self._unknown not in encoded.tokens:
            return encoded.tokens
        return [
            text[start:end] if piece == self._unknown else piece
            for piece, (start, end) in zip(encoded.tokens, encoded.offsets, strict=True)
        ]


def _unknown_piece(description: Any) -> str | None:
    """Returns the piece that stands for whatever is not known; Unigram leaves such text as it is by itself."""
    unknown = description["model"].get("unk_token")
    return unknown if isinstance(unknown, str) else None
