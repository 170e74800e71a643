"""A bidirectional LSTM of chosen depth."""

import torch
from torch import Tensor, nn

from meltpoint.models.architectures import Architecture, TextModel, take_rows, token_mask
from meltpoint.models.layers import Affine, SharedDropout

HIDDEN_SIZE = 64
DROPOUT = 0.2


class RecurrentClassifier(TextModel):
    """``depth`` bidirectional LSTM layers, the highest of each state over the tokens, dropout, a linear output.

    Conneau et al., "Supervised learning of universal sentence representations from natural language inference data",
    EMNLP 2017, compared ways to read sentences with an LSTM: both directions with max pooling did best.

    Not ``Stackable``: members are trained one after another, by torch's own LSTM. Eight of them as one recurrence of
    batched matrix products, with a backward pass written by hand, took 1.7 to 2 times as long (one thread, 50 inputs,
    64 and 100 units, 22 tokens, batches of 64).
    """

    def __init__(self, embedding: nn.Embedding, num_outputs: int, *, depth: int = 1) -> None:
        super().__init__()
        self.embedding = embedding
        self.num_features = 2 * HIDDEN_SIZE
        sizes = [embedding.embedding_dim, *[self.num_features] * (depth - 1)]
        self.layers = nn.ModuleList(BothDirections(size, HIDDEN_SIZE) for size in sizes)
        self.dropout = SharedDropout(DROPOUT)
        self.output = Affine(self.num_features, num_outputs)

    def encode(self, table: Tensor, ids: Tensor) -> Tensor:
        """Gives the highest value of each state over the tokens of a text; zeros for a text without any."""
        present = token_mask(ids).unsqueeze(-1)
        highest = self._read(table, ids).masked_fill(~present, -torch.inf).amax(dim=-2)
        features: Tensor = self.dropout(highest.masked_fill(~present.any(dim=-2), 0))
        return features

    def states(self, table: Tensor, ids: Tensor) -> Tensor:
        """Gives the states of both directions at each token."""
        states: Tensor = self.dropout(self._read(table, ids), of_tokens=True)
        return states

    def _read(self, table: Tensor, ids: Tensor) -> Tensor:
        backward = _reversal(ids).unsqueeze(-1)
        states = take_rows(table, ids)
        for number, layer in enumerate(self.layers):
            if number:
                states = self.dropout(states, of_tokens=True)
            states = layer(states, backward)
        return states


class BothDirections(nn.Module):
    """An LSTM that reads from the left, and one that reads from the last token on."""

    def __init__(self, num_inputs: int, hidden_size: int) -> None:
        super().__init__()
        self.rightward = nn.LSTM(num_inputs, hidden_size, batch_first=True)
        self.leftward = nn.LSTM(num_inputs, hidden_size, batch_first=True)

    def forward(self, inputs: Tensor, backward: Tensor) -> Tensor:
        """Reads both ways: ``(B, T, F) -> (B, T, 2 x hidden)``; ``backward`` ``(B, T, 1)`` reverses the tokens.

        Each text is reversed by itself, so that its padding stands on the right both times and is read after its last
        token: no state at a token has seen any. That is as exact as packed sequences, in a third of their time.
        """
        rightward, _ = self.rightward(inputs)
        leftward, _ = self.leftward(inputs.gather(-2, backward.expand_as(inputs)))
        return torch.cat([rightward, leftward.gather(-2, backward.expand_as(leftward))], dim=-1)


def _reversal(ids: Tensor) -> Tensor:
    """Returns the positions ``(B, T)`` that reverse the tokens of each text and leave its pads where they are."""
    positions = torch.arange(ids.shape[-1], device=ids.device).expand_as(ids)
    mirrored = token_mask(ids).sum(dim=-1, keepdim=True) - 1 - positions
    return torch.where(mirrored >= 0, mirrored, positions)


LSTM = Architecture(
    name="lstm",
    summary="bidirectional LSTM of chosen depth, max over the tokens (lstm:2)",
    build=lambda embedding, num_outputs, depth: RecurrentClassifier(embedding, num_outputs, depth=depth),
    default_depth=1,
    least_depth=1,
    learning_rates=(5e-4, 1e-2),
)
