"""A small transformer encoder of chosen depth."""

import math

import torch
from torch import Tensor, nn
from torch.nn import functional

from meltpoint.models.architectures import Architecture, Stackable, take_rows, token_mask
from meltpoint.models.layers import Affine, Normalization, SharedDropout

WIDTH = 64
NUM_HEADS = 4
FEED_FORWARD = 128
DROPOUT = 0.1


class TransformerClassifier(Stackable):
    """Word vectors projected to a width of 64, ``depth`` encoder layers, their mean over the tokens, a linear output.

    Vaswani et al., "Attention is all you need", NIPS 2017, with each layer's normalisation before it rather than after
    it (Xiong et al., "On layer normalization in the transformer architecture", ICML 2020): it trains without a warm-up
    of the learning rate, which a search over learning rates would otherwise have to share.
    """

    def __init__(self, embedding: nn.Embedding, num_outputs: int, *, depth: int = 1) -> None:
        super().__init__()
        self.embedding = embedding
        self.projection = Affine(embedding.embedding_dim, WIDTH)
        self.layers = nn.ModuleList(EncoderLayer() for _ in range(depth))
        self.norm = Normalization(WIDTH)
        self.num_features = WIDTH
        self.output = Affine(WIDTH, num_outputs)

    def encode(self, table: Tensor, ids: Tensor) -> Tensor:
        """Gives the mean over the tokens of a text; zeros for a text without any."""
        present = token_mask(ids).unsqueeze(-1)
        states = self.states(table, ids).masked_fill(~present, 0)
        return states.sum(dim=-2) / present.sum(dim=-2).clamp(min=1)

    def states(self, table: Tensor, ids: Tensor) -> Tensor:
        """Gives each token's features, which have read the whole text."""
        # Each distinct word of a batch is projected once.
        projected = self.projection(table)
        states = take_rows(projected, ids) + sinusoids(ids.shape[-1], like=projected)
        mask = token_mask(ids)
        # No softmax over nothing: a text without a token reads its first pad, which nobody asks for.
        mask[..., 0] = True
        for layer in self.layers:
            states = layer(states, mask)
        normalized: Tensor = self.norm(states)
        return normalized


class EncoderLayer(nn.Module):
    """Self-attention, then a feed-forward layer, each added to what it was given; members as in :class:`Stackable`."""

    def __init__(self) -> None:
        super().__init__()
        self.attention_norm = Normalization(WIDTH)
        self.queries_keys_values = Affine(WIDTH, 3 * WIDTH)
        self.attended = Affine(WIDTH, WIDTH)
        self.feed_forward_norm = Normalization(WIDTH)
        self.widen = Affine(WIDTH, FEED_FORWARD)
        self.narrow = Affine(FEED_FORWARD, WIDTH)
        self.dropout = SharedDropout(DROPOUT)

    def forward(self, states: Tensor, mask: Tensor) -> Tensor:
        """Maps ``(*K, B, T, F)``; ``mask`` ``(B, T)`` or ``(K, B, T)`` says which positions may be read."""
        attended = self.attended(self._attend(self.attention_norm(states), mask))
        states = states + self.dropout(attended, of_tokens=True)
        widened = functional.relu(self.widen(self.feed_forward_norm(states)))
        narrowed: Tensor = self.dropout(self.narrow(widened), of_tokens=True)
        return states + narrowed

    def _attend(self, states: Tensor, mask: Tensor) -> Tensor:
        leading, length = states.shape[:-2], states.shape[-2]
        heads = self.queries_keys_values(states).reshape(-1, length, 3, NUM_HEADS, WIDTH // NUM_HEADS)
        queries, keys, values = heads.permute(2, 0, 3, 1, 4)
        readable = mask.expand(*leading, length).reshape(-1, 1, 1, length)
        read = functional.scaled_dot_product_attention(queries, keys, values, attn_mask=readable)
        return read.transpose(1, 2).reshape(*leading, length, WIDTH)


def sinusoids(length: int, *, like: Tensor) -> Tensor:
    """Returns what tells positions apart: ``(T, F)``, F that of ``like``.

    ``p[t, 2i] = sin(t / 10000^(2i / F))`` and ``p[t, 2i + 1] = cos(...)`` (Vaswani et al. 2017): no text is too long.
    """
    num_features = like.shape[-1]
    positions = torch.arange(length, dtype=like.dtype, device=like.device).unsqueeze(-1)
    even = torch.arange(0, num_features, 2, dtype=like.dtype, device=like.device)
    angles = positions * torch.exp(even * (-math.log(10000.0) / num_features))
    return torch.stack([angles.sin(), angles.cos()], dim=-1).flatten(-2)


TRANSFORMER = Architecture(
    name="transformer",
    summary="small pre-norm transformer encoder of chosen depth, mean over the tokens (transformer:2)",
    build=lambda embedding, num_outputs, depth: TransformerClassifier(embedding, num_outputs, depth=depth),
    default_depth=1,
    least_depth=1,
    learning_rates=(2e-4, 5e-3),
)
