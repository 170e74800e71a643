"""Kim's convolutional network for sentences."""

import torch
from torch import Tensor, nn
from torch.nn import functional

from meltpoint.models.architectures import Architecture, token_mask

WIDTHS = (3, 4, 5)
NUM_FILTERS = 100
DROPOUT = 0.5


class ConvolutionalClassifier(nn.Module):
    """Filters of widths 3, 4 and 5, 100 of each, max over time, dropout, a linear output.

    Kim, "Convolutional neural networks for sentence classification", EMNLP 2014. Every window that holds at least one
    token counts, and no other: a text's scores do not depend on how far its batch was padded.
    """

    def __init__(self, embedding: nn.Embedding, num_outputs: int) -> None:
        super().__init__()
        self.embedding = embedding
        self.convolutions = nn.ModuleList(
            nn.Conv1d(embedding.embedding_dim, NUM_FILTERS, width, padding=width - 1) for width in WIDTHS
        )
        self.dropout = nn.Dropout(DROPOUT)
        self.output = nn.Linear(NUM_FILTERS * len(WIDTHS), num_outputs)

    def forward(self, ids: Tensor) -> Tensor:
        """Scores texts: ids ``(B, T)`` int64 -> ``(B, C)``."""
        present = token_mask(ids).to(self.embedding.weight.dtype)
        # Pad rows are zero in any table of ours; multiplying keeps them so in anyone's.
        embedded = (self.embedding(ids) * present.unsqueeze(2)).transpose(1, 2)
        lengths = present.sum(dim=1, keepdim=True).clamp(min=1)
        features = []
        for width, convolution in zip(WIDTHS, self.convolutions, strict=True):
            maps = functional.relu(convolution(embedded))  # (B, filters, T + width - 1)
            # Window p covers the tokens p - width + 1 .. p: it holds a token while p < length + width - 1.
            position = torch.arange(maps.shape[2], device=ids.device)
            inside = position < lengths + (width - 1)
            # After the ReLU nothing is below zero, so that a zero never wins over a window that counts.
            features.append((maps * inside.unsqueeze(1)).amax(dim=2))
        scores: Tensor = self.output(self.dropout(torch.cat(features, dim=1)))
        return scores


CNN = Architecture(
    name="cnn",
    summary="Kim 2014: convolutions of widths 3, 4, 5, max over time, dropout",
    build=lambda embedding, num_outputs, _: ConvolutionalClassifier(embedding, num_outputs),
    default_depth=None,
    learning_rates=(3e-4, 5e-3),
)
