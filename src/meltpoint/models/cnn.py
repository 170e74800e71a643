"""Kim's convolutional network for sentences."""

import torch
from torch import Tensor, nn
from torch.nn import functional

from meltpoint.models.architectures import Architecture, Stackable
from meltpoint.models.layers import Affine, SharedDropout
from meltpoint.models.windows import Bank, max_over_windows, sums_around_tokens

WIDTHS = (3, 4, 5)
NUM_FILTERS = 100
DROPOUT = 0.5


class ConvolutionalClassifier(Stackable):
    """Filters of widths 3, 4 and 5, 100 of each, max over time, dropout, a linear output.

    Kim, "Convolutional neural networks for sentence classification", EMNLP 2014. Every window that holds at least one
    token counts, and no other: a text's scores do not depend on how far its batch was padded.

    A convolution over word vectors is linear in each word: ``sum_j W_j x[p + j]``. So each distinct word of a batch
    is projected once, by all filters at all their positions, and a window only adds up what its words came to. A word
    that occurs ten times is multiplied once.

    Attributes:
        filters: ``(*K, D, S)``, S = sum of width x filters over the widths: for each width, for each position in its
            window, the filters.
        bias: ``(*K, 3 x filters)``.
    """

    def __init__(self, embedding: nn.Embedding, num_outputs: int) -> None:
        super().__init__()
        self.embedding = embedding
        dim = embedding.embedding_dim
        # Initialised as nn.Conv1d is: by the number of inputs of a filter.
        bounds = [(dim * width) ** -0.5 for width in WIDTHS]
        blocks = [
            torch.empty(dim, width * NUM_FILTERS).uniform_(-b, b) for width, b in zip(WIDTHS, bounds, strict=True)
        ]
        self.filters = nn.Parameter(torch.cat(blocks, dim=1))
        self.bias = nn.Parameter(torch.cat([torch.empty(NUM_FILTERS).uniform_(-bound, bound) for bound in bounds]))
        self.bank = Bank(widths=WIDTHS, num_filters=NUM_FILTERS)
        self.dropout = SharedDropout(DROPOUT)
        self.num_features = NUM_FILTERS * len(WIDTHS)
        self.output = Affine(self.num_features, num_outputs)

    def encode(self, table: Tensor, ids: Tensor) -> Tensor:
        """Gives the highest of each filter over the windows of a text."""
        highest = max_over_windows(table, self.filters, ids, self.bank)
        # ReLU and the bias rise with their input and are the same for all windows: they may as well come after.
        features: Tensor = self.dropout(functional.relu(highest + self.bias.unsqueeze(-2)))
        return features

    def states(self, table: Tensor, ids: Tensor) -> Tensor:
        """Gives each filter's value on the window around a token: as many tokens after it as before, or one fewer."""
        sums = sums_around_tokens(table @ self.filters, ids, self.bank)
        features = functional.relu(sums + self.bias.unsqueeze(-2).unsqueeze(-2))
        states: Tensor = self.dropout(features, of_tokens=True)
        return states


CNN = Architecture(
    name="cnn",
    summary="Kim 2014: convolutions of widths 3, 4, 5, max over time, dropout",
    build=lambda embedding, num_outputs, _: ConvolutionalClassifier(embedding, num_outputs),
    default_depth=None,
    learning_rates=(3e-4, 5e-3),
)
