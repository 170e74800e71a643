"""Tokenizers that vectors bring along: WordPiece, BPE, Unigram, WordLevel, and what is none."""

import pickle
from types import SimpleNamespace

import pytest
from tokenizers import Tokenizer as Pieces
from tokenizers import decoders, models, normalizers, pre_tokenizers, processors

from meltpoint.errors import InputError
from meltpoint.text import OWN_TOKENIZER, OwnTokenizer, tokenizer_for, tokenizer_named


def wordpiece() -> Pieces:
    vocab = ["[UNK]", "[CLS]", "[SEP]", "[PAD]", "melt", "##ing", "point", "##s", "a", "."]
    pieces = Pieces(models.WordPiece({piece: row for row, piece in enumerate(vocab)}, unk_token="[UNK]"))
    pieces.normalizer = normalizers.BertNormalizer()
    pieces.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    pieces.post_processor = processors.BertProcessing(("[SEP]", 2), ("[CLS]", 1))
    pieces.enable_padding(length=16)
    pieces.enable_truncation(3)
    return pieces


def unigram() -> Pieces:
    pieces = Pieces(models.Unigram([("<unk>", 0.0), ("\u2581melt", -1.0), ("ing", -1.5), ("\u2581a", -1.0)], unk_id=0))
    pieces.pre_tokenizer = pre_tokenizers.Metaspace()
    pieces.decoder = decoders.Metaspace()
    return pieces


def bpe() -> Pieces:
    vocab = {"<unk>": 0, "m": 1, "e": 2, "l": 3, "t": 4, "me": 5, "mel": 6, "melt": 7}
    pieces = Pieces(models.BPE(vocab, [("m", "e"), ("me", "l"), ("mel", "t")], unk_token="<unk>"))
    pieces.pre_tokenizer = pre_tokenizers.Whitespace()
    return pieces


def word_level() -> Pieces:
    pieces = Pieces(models.WordLevel({"melt": 0, "[UNK]": 1}, unk_token="[UNK]"))
    pieces.pre_tokenizer = pre_tokenizers.Whitespace()
    return pieces


def content_of(pieces: Pieces) -> bytes:
    return pieces.to_str().encode()


@pytest.fixture
def brought(tmp_path):
    """Vectors that brought a tokenizer.json along."""
    path = tmp_path / OWN_TOKENIZER
    path.write_bytes(content_of(wordpiece()))
    return SimpleNamespace(name="potion", tokenizer=OWN_TOKENIZER, attachments={OWN_TOKENIZER: path})


@pytest.mark.parametrize(
    ("pieces", "text", "expected"),
    [
        (wordpiece, "Melting points. A melt", "melt ##ing point ##s . a melt"),
        (wordpiece, "melting \u96ea melts", "melt ##ing \u96ea melt ##s"),
        (wordpiece, "melting STEAM", "melt ##ing STEAM"),
        (unigram, "melting a", "\u2581melt ing \u2581a"),
        (bpe, "melt melts", "melt melt s"),
        (word_level, "melt steam", "melt steam"),
    ],
)
def test_cuts_into_pieces_without_additions(pieces, text, expected):
    assert OwnTokenizer(content_of(pieces()))(text) == expected.split()


def test_no_text_is_no_pieces():
    assert OwnTokenizer(content_of(wordpiece())).tokenize_all(["", "melt"]) == [[], ["melt"]]


def test_goes_to_another_process():
    tokenizer = pickle.loads(pickle.dumps(OwnTokenizer(content_of(wordpiece()))))
    assert tokenizer("melting") == ["melt", "##ing"]
    assert (tokenizer.name, repr(tokenizer)) == (OWN_TOKENIZER, "Tokenizer('tokenizer.json')")


@pytest.mark.parametrize("name", ["auto", OWN_TOKENIZER])
def test_found_with_the_vectors(name, brought):
    assert tokenizer_for(brought, name)("melting") == ["melt", "##ing"]


def test_another_may_be_asked_for(brought):
    assert tokenizer_for(brought, "whitespace")("Melting point") == ["Melting", "point"]


@pytest.mark.parametrize("content", [b"", b"{}", b"\xff", b"[]", b'{"model": {"type": "WordPiece"}}', b"null"])
def test_what_is_none_is_told(content, brought):
    brought.attachments[OWN_TOKENIZER].write_bytes(content)
    with pytest.raises(InputError, match=r"potion/tokenizer\.json: expected the tokenizer\.json of a WordPiece, BPE"):
        tokenizer_for(brought)


def test_a_lost_file_is_told(brought):
    brought.attachments[OWN_TOKENIZER].unlink()
    with pytest.raises(InputError, match=r"the tokenizer of potion cannot be read .*open the vectors again"):
        tokenizer_for(brought)


def test_vectors_without_one():
    words = SimpleNamespace(name="glove", tokenizer="treebank-lower", attachments={})
    with pytest.raises(InputError, match=r"glove brought no tokenizer\.json.*Use auto, or choose one of: treebank"):
        tokenizer_for(words, OWN_TOKENIZER)
    with pytest.raises(InputError, match="comes with vectors that bring one: use tokenizer_for"):
        tokenizer_named(OWN_TOKENIZER)
