"""A user's own model, before it is trained: every way in which it would train and mean nothing."""

import pytest
import torch
from torch import nn
from torch.nn import functional

from meltpoint.embedding import PretrainedEmbedding
from meltpoint.errors import InputError
from meltpoint.models import build_model
from meltpoint.randomness import torch_seeded
from meltpoint.trial.model_checks import check_own_model

V, D, C = 20, 6, 3
IDS = torch.tensor([[3, 5, 9, 2], [7, 4, 0, 0]])


@pytest.fixture
def embedding():
    with torch_seeded(0, "rows"):
        return PretrainedEmbedding(torch.randn(V, D), torch.ones(V, dtype=torch.bool))


class Sum(nn.Module):
    def __init__(self, embedding):
        super().__init__()
        self.embedding = embedding
        self.output = nn.Linear(D, C)

    def forward(self, ids):
        return self.output(self.embedding(ids).sum(dim=1))


class Counts(Sum):
    def forward(self, ids):
        return self.output((ids != 0).float().sum(dim=1, keepdim=True).expand(-1, D))


class AlwaysDrops(Sum):
    def forward(self, ids):
        return self.output(functional.dropout(self.embedding(ids).sum(dim=1), 0.5))


class Copy(Sum):
    def __init__(self, embedding):
        super().__init__(PretrainedEmbedding(embedding.weight, embedding.is_pretrained))


class TwoTables(Sum):
    def __init__(self, embedding):
        super().__init__(embedding)
        self.fixed = nn.Embedding.from_pretrained(embedding.weight.detach().clone())

    def forward(self, ids):
        return self.output((self.embedding(ids) + self.fixed(ids)).sum(dim=1))


class SmallerSecondTable(Sum):
    def __init__(self, embedding):
        super().__init__(embedding)
        self.other = PretrainedEmbedding(torch.ones(4, D), torch.ones(4, dtype=torch.bool))


class Windows(Sum):
    def __init__(self, embedding):
        super().__init__(embedding)
        self.windows = nn.Conv1d(D, D, 3)

    def forward(self, ids):
        return self.output(self.windows(self.embedding(ids).transpose(1, 2)).amax(dim=2))


class Positions(Sum):
    """Right: an embedding of something else than words."""

    def __init__(self, embedding):
        super().__init__(embedding)
        self.positions = nn.Embedding(50, D)

    def forward(self, ids):
        where = self.positions(torch.arange(ids.shape[1]))
        return self.output((self.embedding(ids) + where).sum(dim=1))


class ByFunction(Sum):
    """Right: it reads the weight without calling the module."""

    def forward(self, ids):
        return self.output(functional.embedding_bag(ids, self.embedding.weight, mode="mean"))


class Diverges(Sum):
    """Not what is checked here: training says so."""

    def forward(self, ids):
        return super().forward(ids) / 0


class Tied(Sum):
    """Right: the second table is the first."""

    def __init__(self, embedding):
        super().__init__(embedding)
        self.again = nn.Embedding(V, D)
        self.again.weight = embedding.weight


@pytest.mark.parametrize(
    ("model_class", "text"),
    [
        (Counts, r"Counts ignores its embedding: other word vectors gave the very same scores .* shape \(2, 4\)"),
        (AlwaysDrops, r"AlwaysDrops is not deterministic in evaluation: .* shape \(2, 4\).* training=self\.training"),
        (
            Copy,
            r"Copy does not hold the embedding that it was built with, perhaps a copy .* self\.embedding = embedding",
        ),
        (TwoTables, r"TwoTables holds a second table of words, 'fixed' of shape \(20, 6\).* 'two-channel'"),
        (SmallerSecondTable, r"holds a second table of words, 'other' of shape \(4, 6\)"),
        (
            Windows,
            r"Windows fails on texts of a single word, token ids of shape \(2, 1\): RuntimeError: .*[Kk]ernel size",
        ),
    ],
)
def test_what_is_wrong_is_said(embedding, model_class, text):
    before = embedding.weight.detach().clone()
    with pytest.raises(InputError, match=text):
        check_own_model(model_class(embedding), embedding, IDS)
    assert torch.equal(embedding.weight, before)


@pytest.mark.parametrize("model_class", [Sum, Positions, ByFunction, Diverges, Tied])
def test_what_is_right_passes_and_stays_as_it_was(embedding, model_class):
    model = model_class(embedding)
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    random = torch.get_rng_state()
    check_own_model(model, embedding, IDS)
    assert all(torch.equal(tensor, before[name]) for name, tensor in model.state_dict().items())
    assert torch.equal(torch.get_rng_state(), random)
    assert all(parameter.grad is None for parameter in model.parameters())


@pytest.mark.parametrize("architecture", ["average", "cnn", "lstm:2", "transformer:2"])
def test_the_built_in_ones_would_pass(embedding, architecture):
    check_own_model(build_model(architecture, embedding, C), embedding, IDS)
