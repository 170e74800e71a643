"""The mean of the word vectors, then a multi-layer perceptron."""

from torch import Tensor, nn

from meltpoint.models.architectures import Architecture, HandDifferentiated, take_rows
from meltpoint.models.layers import Affine, HiddenLayers
from meltpoint.models.means import mean_over_stretches, mean_over_words, spread_over_words
from meltpoint.models.perceptron import MemberPerceptron
from meltpoint.text import NumberedTexts

HIDDEN_SIZE = 100
DROPOUT = 0.2


class AverageClassifier(HandDifferentiated):
    """Masked mean over the tokens, ``depth`` hidden layers (linear, ReLU, dropout), a linear output.

    Iyyer et al., "Deep unordered composition rivals syntactic methods for text classification", ACL 2015. Depth 0 is
    a linear model over the mean.
    """

    output: Affine

    def __init__(self, embedding: nn.Embedding, num_outputs: int, *, depth: int = 1) -> None:
        super().__init__()
        self.embedding = embedding
        self.hidden = HiddenLayers(embedding.embedding_dim, HIDDEN_SIZE, depth=depth, dropout=DROPOUT)
        self.num_features = self.hidden.num_features
        self.output = Affine(self.num_features, num_outputs)

    def pool(self, table: Tensor, ids: Tensor) -> Tensor:
        """Averages the word vectors of each text: ``(*K, B, D)``."""
        return mean_over_words(table, ids)

    def pool_texts(self, table: Tensor, texts: NumberedTexts) -> Tensor:
        """Averages the word vectors of each text where its words stand."""
        return mean_over_stretches(table, texts)

    def encode_pooled(self, pooled: Tensor) -> Tensor:
        """Takes the means through the hidden layers."""
        features: Tensor = self.hidden(pooled)
        return features

    def lay_out(self) -> MemberPerceptron:
        """Lays out the hidden layers and the output."""
        return MemberPerceptron(self.hidden, self.output)

    def spread(self, gradient: Tensor, ids: Tensor, num_rows: int) -> Tensor:
        """Gives each word its share of the gradient of each text that it stands in."""
        return spread_over_words(gradient, ids, num_rows)

    def states(self, table: Tensor, ids: Tensor) -> Tensor:
        """Takes each word vector by itself through the hidden layers: a token knows nothing of its neighbours."""
        states: Tensor = self.hidden(take_rows(table, ids), of_tokens=True)
        return states


AVERAGE = Architecture(
    name="average",
    summary="masked mean of the word vectors + MLP of chosen depth (average:0 is linear)",
    build=lambda embedding, num_outputs, depth: AverageClassifier(embedding, num_outputs, depth=depth),
    default_depth=1,
    learning_rates=(1e-3, 3e-2),
)
