"""The mean of the word vectors, then a multi-layer perceptron."""

import torch
from torch import Tensor, nn

from meltpoint.models.architectures import Architecture, PoolsFirst, token_mask

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
        layers: list[nn.Module] = []
        size = embedding.embedding_dim
        for _ in range(depth):
            layers += [nn.Linear(size, HIDDEN_SIZE), nn.ReLU(), nn.Dropout(DROPOUT)]
            size = HIDDEN_SIZE
        self.head = nn.Sequential(*layers, nn.Linear(size, num_outputs))

    def pool(self, ids: Tensor) -> Tensor:
        """Averages the word vectors of each text: ids ``(B, T)`` int64 -> ``(B, D)``."""
        mask = token_mask(ids).to(self.embedding.weight.dtype)
        total = torch.bmm(mask.unsqueeze(1), self.embedding(ids)).squeeze(1)
        return total / mask.sum(dim=1, keepdim=True).clamp(min=1)


AVERAGE = Architecture(
    name="average",
    summary="masked mean of the word vectors + MLP of chosen depth (average:0 is linear)",
    build=lambda embedding, num_outputs, depth: AverageClassifier(embedding, num_outputs, depth=depth),
    default_depth=1,
    learning_rates=(1e-3, 3e-2),
)
