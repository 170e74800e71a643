"""Members one by one: any model, any optimiser, and nothing that joins them."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

from meltpoint.embedding import PretrainedEmbedding
from meltpoint.randomness import TorchStream, generator, torch_seeded
from meltpoint.text import PackedTexts
from meltpoint.trial import Examples, fit_for
from meltpoint.trial.learners import OneByOne, measure

V, D, C, N = 12, 4, 3, 40


class Normed(nn.Module):
    """A model with all that a built-in one has not: buffers that training moves, and torch's own dropout."""

    def __init__(self):
        super().__init__()
        self.embedding = PretrainedEmbedding(torch.randn(V, D), torch.ones(V, dtype=torch.bool))
        self.norm = nn.BatchNorm1d(D)
        self.dropout = nn.Dropout(0.5)
        self.output = nn.Linear(D, C)

    def forward(self, ids):
        return self.output(self.dropout(self.norm(self.embedding(ids).mean(dim=1))))


def examples(name="texts"):
    random = generator(0, name)
    lengths = random.integers(1, 6, N)
    return Examples(
        packed=PackedTexts(
            lexicon=tuple("abcdefghijkl"),
            ids=random.integers(0, V, lengths.sum()).astype(np.int32),
            offsets=np.cumsum([0, *lengths]).astype(np.int64),
        ),
        rows=np.arange(N),
        label_ids=random.integers(0, C, N),
        # The last two words stand behind the table.
        table_rows=np.array([*range(1, V - 1), V, V + 1]),
        max_tokens=5,
    )


TRAIN = replace(examples(), table_rows=np.arange(V) % (V - 1) + 1)


def learner(*numbers):
    models, optimizers = [], []
    for number in numbers:
        with torch_seeded(0, "model", number):
            models.append(Normed())
        optimizers.append(torch.optim.SGD(models[-1].parameters(), lr=0.1))
    return OneByOne(
        models,
        optimizers,
        train=[TRAIN],
        unseen=[torch.ones(2, D)],
        source_of=[0] * len(numbers),
        dropout=[TorchStream(0, "dropout", number) for number in numbers],
    ), models


def train_for(which, num_steps, name="batches"):
    fit_for(which, TRAIN, num_steps, 8, generator(0, name))


def losses(which, members):
    return [scores.loss for scores in which.score(members, [examples()])]


def test_members_in_turn_are_members_alone_to_the_bit():
    both, models = learner(0, 1)
    before = torch.get_rng_state()
    train_for(both, 12)
    assert torch.equal(torch.get_rng_state(), before)
    for number, model in enumerate(models):
        alone, (own,) = learner(number)
        train_for(alone, 12)
        for name, tensor in own.state_dict().items():
            assert torch.equal(model.state_dict()[name], tensor), name


def test_what_was_remembered_is_recalled_with_its_buffers():
    which, models = learner(0, 1)
    train_for(which, 5)
    before, weights = losses(which, [0, 1]), which.remember(1)
    state = {name: tensor.clone() for name, tensor in models[1].state_dict().items()}
    train_for(which, 5, "more batches")
    after = losses(which, [0, 1])
    assert after[1] != before[1]
    which.recall(1, weights)
    assert losses(which, [0, 1]) == [after[0], before[1]]
    assert all(torch.equal(tensor, state[name]) for name, tensor in models[1].state_dict().items())
    assert "norm.running_mean" in state


def test_what_does_not_move_is_not_copied():
    which, (model,) = learner(0)
    assert len(which.remember(0)) == 8  # table, scale, shift, weight, bias; mean, variance, number of batches
    model.embedding.weight.requires_grad_(False)
    assert len(which.remember(0)) == 7


def test_those_who_stay_go_on_in_their_own_streams():
    which, models = learner(0, 1, 2)
    train_for(which, 4)
    which.keep([2])
    assert which.source_of == (0,)
    train_for(which, 4, "more batches")
    alone, (own,) = learner(2)
    train_for(alone, 4)
    train_for(alone, 4, "more batches")
    assert all(torch.equal(models[2].state_dict()[name], tensor) for name, tensor in own.state_dict().items())
    assert losses(which, [0]) == losses(alone, [0])


def test_scoring_reads_the_rows_behind_the_table_and_leaves_it_as_it_was():
    which, (model,) = learner(0)
    weight = model.embedding.weight
    (scores,) = which.score([0], [examples()])
    assert model.embedding.weight is weight
    with torch.inference_mode(), model.embedding.extended(torch.ones(2, D)):
        outputs = model.eval()(examples().ids(np.arange(N)))
    assert np.array_equal(scores.predicted, outputs.argmax(dim=1).numpy())
    assert scores.score == (scores.predicted == examples().labels).mean()


def test_scores_are_in_the_order_of_the_examples():
    texts = examples()
    outputs = torch.nn.functional.one_hot(torch.from_numpy(texts.labels), C).float() * 50
    scores = measure((outputs[torch.from_numpy(batch)] for batch in texts.by_length), texts)
    assert np.array_equal(scores.predicted, texts.labels)
    assert (scores.score, scores.rank) == (1.0, (1.0, -scores.loss))
    assert scores.loss == pytest.approx(0, abs=1e-6)
