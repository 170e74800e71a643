"""What an architecture becomes where a task reads more than one text, or answers for every token."""

from collections.abc import Callable
from typing import Literal

import torch
from torch import Tensor, nn

from meltpoint.errors import InputError
from meltpoint.models.architectures import Builder, PoolsFirst, Stackable, TextModel
from meltpoint.models.attention import SoftAlignment
from meltpoint.models.layers import Affine, HiddenLayers, SharedDropout
from meltpoint.text import NumberedTexts

Reads = Literal["text", "pair", "tokens"]
HIDDEN_SIZE = 100
DROPOUT = 0.2
# A model of pairs is one network on another, over products of features: at the highest rates of its encoder all hidden
# units end up dead, and every pair gets the same score.
RATE_SHARES: dict[Reads, float] = {"text": 1.0, "pair": 1 / 3, "tokens": 1.0}


def build_reader(
    builder: Builder, embedding: nn.Embedding, num_outputs: int, *, reads: Reads, attends: bool = False
) -> nn.Module:
    """Builds an architecture for what a task reads.

    Args:
        builder: The architecture.
        embedding: The table.
        num_outputs: C.
        reads: ``text``: ids ``(B, T)`` -> ``(B, C)``; ``pair``: ``(B, 2, T)`` -> ``(B, C)``; ``tokens``: ``(B, T)`` ->
            ``(B, T, C)``.
        attends: Whether the words of the two texts of a pair are compared, too (:class:`SoftAlignment`).

    Raises:
        InputError: Attention is asked for where there is no second text, or of a user's own module.
    """
    if not attends:
        return _READERS[reads](builder, embedding, num_outputs)
    if reads != "pair":
        raise InputError(
            "An architecture with +attention looks the words of one text up in another, but this task reads one text "
            "at a time. Leave +attention out, or name a task of pairs (--task rank)."
        )
    return _of_pairs(builder, embedding, num_outputs, attends=True)


class PairModel(TextModel):
    """One encoder reads both texts; what it makes of them, u and v, is compared by a small network.

    ``[u, v, |u - v|, u * v]`` -> hidden layer -> scores: the comparison of Conneau et al., "Supervised learning of
    universal sentence representations from natural language inference data", EMNLP 2017. With attention, what
    :class:`SoftAlignment` makes of the words of both texts stands beside it.
    """

    texts_per_row = 2

    def __init__(self, encoder: TextModel, num_outputs: int, *, attends: bool = False) -> None:
        super().__init__()
        self.embedding = encoder.embedding
        # The encoder reads tables that it is given, and its own answer is not asked for.
        del encoder.embedding, encoder.output
        for module in encoder.modules():
            if isinstance(module, SharedDropout):
                module.texts_per_row = self.texts_per_row
        self.encoder = encoder
        self.alignment = SoftAlignment(self.embedding.embedding_dim) if attends else None
        num_inputs = 4 * encoder.num_features + (self.alignment.num_features if self.alignment else 0)
        self.hidden = HiddenLayers(num_inputs, HIDDEN_SIZE, depth=1, dropout=DROPOUT)
        self.num_features = self.hidden.num_features
        self.output = Affine(self.num_features, num_outputs)

    def compare(self, features: Tensor, *aligned: Tensor) -> Tensor:
        """Turns features of both texts of each pair, ``(*K, 2 B, F)`` one after the other, into ``(*K, B, H)``.

        Args:
            features: Of the texts.
            aligned: Further features of the pairs, ``(*K, B, A)``.
        """
        pairs = _unflatten(features, -2, (-1, 2))
        first, second = pairs[..., 0, :], pairs[..., 1, :]
        whole = torch.cat([first, second, (first - second).abs(), first * second], dim=-1)
        compared: Tensor = self.hidden(torch.cat([whole, *aligned], dim=-1))
        return compared

    def encode(self, table: Tensor, ids: Tensor) -> Tensor:
        """Reads pairs ``(*K, B, 2, T)``."""
        features = self.encoder.encode(table, ids.flatten(-3, -2))
        if self.alignment is None:
            return self.compare(features)
        return self.compare(features, self.alignment(table, ids[..., 0, :], ids[..., 1, :]))

    def states(self, table: Tensor, ids: Tensor) -> Tensor:
        """Returns the features of the tokens of both texts, ``(*K, B, 2, T, F)``."""
        return _unflatten(self.encoder.states(table, ids.flatten(-3, -2)), -3, (-1, 2))


class StackablePairModel(PairModel, Stackable):
    """The same over an encoder many of which can be trained in one pass."""


class PoolingPairModel(PairModel, PoolsFirst):
    """The same over an encoder that pools first: what is pooled of both texts stands side by side."""

    def pool(self, table: Tensor, ids: Tensor) -> Tensor:
        """Turns pairs ``(*K, B, 2, T)`` into ``(*K, B, 2 P)``."""
        return _unflatten(self._pooling.pool(table, ids.flatten(-3, -2)), -2, (-1, 2)).flatten(-2)

    def pool_texts(self, table: Tensor, texts: NumberedTexts) -> Tensor:
        """Turns texts, each two of them a pair, into ``(B, 2 P)``."""
        return _unflatten(self._pooling.pool_texts(table, texts), -2, (-1, 2)).flatten(-2)

    def encode_pooled(self, pooled: Tensor) -> Tensor:
        """Compares what was pooled."""
        texts = _unflatten(pooled, -1, (2, -1)).flatten(-3, -2)
        return self.compare(self._pooling.encode_pooled(texts))

    def encode(self, table: Tensor, ids: Tensor) -> Tensor:
        """Reads pairs."""
        return self.encode_pooled(self.pool(table, ids))

    @property
    def _pooling(self) -> PoolsFirst:
        assert isinstance(self.encoder, PoolsFirst)
        return self.encoder


class Tagger(TextModel):
    """An encoder's features of each token, and a linear output for each."""

    def __init__(self, encoder: TextModel, num_outputs: int) -> None:
        super().__init__()
        self.embedding = encoder.embedding
        del encoder.embedding, encoder.output
        self.encoder = encoder
        self.num_features = encoder.num_features
        self.output = Affine(self.num_features, num_outputs)

    def encode(self, table: Tensor, ids: Tensor) -> Tensor:
        """Reads texts: the features of the encoder."""
        return self.encoder.encode(table, ids)

    def states(self, table: Tensor, ids: Tensor) -> Tensor:
        """Reads tokens: the features of the encoder."""
        return self.encoder.states(table, ids)

    def scores(self, table: Tensor, ids: Tensor) -> Tensor:
        """Scores tokens: ``(*K, B, T, C)``."""
        scores: Tensor = self.output(self.states(table, ids))
        return scores


class StackableTagger(Tagger, Stackable):
    """The same over an encoder many of which can be trained in one pass."""


class OwnPairModel(nn.Module):
    """The comparison over somebody's own module, which makes features of a text: ids ``(B, T)`` -> ``(B, F)``."""

    def __init__(self, encoder: nn.Module, num_outputs: int) -> None:
        super().__init__()
        self.encoder = encoder
        self.hidden = HiddenLayers(4 * HIDDEN_SIZE, HIDDEN_SIZE, depth=1, dropout=DROPOUT)
        self.output = Affine(HIDDEN_SIZE, num_outputs)

    def forward(self, ids: Tensor) -> Tensor:
        """Scores pairs: ``(B, 2, T)`` -> ``(B, C)``."""
        first, second = _unflatten(self.encoder(ids.flatten(0, 1)), 0, (-1, 2)).unbind(dim=1)
        features = torch.cat([first, second, (first - second).abs(), first * second], dim=-1)
        scores: Tensor = self.output(self.hidden(features))
        return scores


def _unflatten(tensor: Tensor, dim: int, sizes: tuple[int, int]) -> Tensor:
    parts: Tensor = tensor.unflatten(dim, sizes)  # type: ignore[no-untyped-call]
    return parts


def _of_texts(builder: Builder, embedding: nn.Embedding, num_outputs: int) -> nn.Module:
    return builder(embedding, num_outputs)


def _of_pairs(builder: Builder, embedding: nn.Embedding, num_outputs: int, *, attends: bool = False) -> nn.Module:
    encoder = builder(embedding, HIDDEN_SIZE)
    match encoder:
        # What is pooled has no words left to look up.
        case PoolsFirst() if not attends:
            return PoolingPairModel(encoder, num_outputs)
        case Stackable():
            return StackablePairModel(encoder, num_outputs, attends=attends)
        case TextModel():
            return PairModel(encoder, num_outputs, attends=attends)
        case _ if attends:
            raise InputError(
                "+attention is for built-in architectures: of your own module only the features of a text are known, "
                "not its words. Leave +attention out."
            )
        case _:
            return OwnPairModel(encoder, num_outputs)


def _of_tokens(builder: Builder, embedding: nn.Embedding, num_outputs: int) -> nn.Module:
    encoder = builder(embedding, num_outputs)
    match encoder:
        case Stackable():
            return StackableTagger(encoder, num_outputs)
        case TextModel():
            return Tagger(encoder, num_outputs)
        case _:
            return encoder


_READERS: dict[Reads, Callable[[Builder, nn.Embedding, int], nn.Module]] = {
    "text": _of_texts,
    "pair": _of_pairs,
    "tokens": _of_tokens,
}
