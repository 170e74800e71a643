"""The mean of the word vectors, then a multi-layer perceptron."""

import torch
from torch import Tensor, nn
from torch.nn import functional

from meltpoint.models.architectures import Architecture, PoolsFirst, take_rows, token_mask
from meltpoint.models.layers import Affine, HiddenLayers

HIDDEN_SIZE = 100
DROPOUT = 0.2


class AverageClassifier(PoolsFirst):
    """Masked mean over the tokens, ``depth`` hidden layers (linear, ReLU, dropout), a linear output.

    Iyyer et al., "Deep unordered composition rivals syntactic methods for text classification", ACL 2015. Depth 0 is
    a linear model over the mean.
    """

    def __init__(self, embedding: nn.Embedding, num_outputs: int, *, depth: int = 1) -> None:
        super().__init__()
        self.embedding = embedding
        self.hidden = HiddenLayers(embedding.embedding_dim, HIDDEN_SIZE, depth=depth, dropout=DROPOUT)
        self.num_features = self.hidden.num_features
        self.output = Affine(self.num_features, num_outputs)

    def pool(self, table: Tensor, ids: Tensor) -> Tensor:
        """Averages the word vectors of each text: ``(*K, B, D)``."""
        mask = token_mask(ids)
        share = mask / mask.sum(dim=-1, keepdim=True).clamp(min=1)
        if table.ndim == 2:
            return _weighted_sum(table, ids, share)
        # The tables of all members stand one below the other.
        num_tables, num_rows, _ = table.shape
        first_row = torch.arange(num_tables, device=ids.device).mul_(num_rows).view(-1, 1, 1)
        rows = ids + first_row
        pooled = _weighted_sum(table.flatten(0, 1), rows.flatten(0, 1), share.expand(rows.shape).flatten(0, 1))
        return pooled.view(len(rows), -1, table.shape[-1])

    def encode_pooled(self, pooled: Tensor) -> Tensor:
        """Takes the means through the hidden layers."""
        features: Tensor = self.hidden(pooled)
        return features

    def states(self, table: Tensor, ids: Tensor) -> Tensor:
        """Takes each word vector by itself through the hidden layers: a token knows nothing of its neighbours."""
        states: Tensor = self.hidden(take_rows(table, ids), of_tokens=True)
        return states


def _weighted_sum(table: Tensor, ids: Tensor, weights: Tensor) -> Tensor:
    pooled: Tensor = functional.embedding_bag(ids, table, per_sample_weights=weights.to(table.dtype), mode="sum")
    return pooled


AVERAGE = Architecture(
    name="average",
    summary="masked mean of the word vectors + MLP of chosen depth (average:0 is linear)",
    build=lambda embedding, num_outputs, depth: AverageClassifier(embedding, num_outputs, depth=depth),
    default_depth=1,
    learning_rates=(1e-3, 3e-2),
)
