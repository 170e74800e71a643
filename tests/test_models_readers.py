"""Models of pairs and of tokens: one for each architecture, alone and stacked, the same scores."""

import pytest
import torch
from torch import nn

from meltpoint.models import ARCHITECTURES, PoolsFirst, Stackable, build_model, stack_models

SHAPES = {"pair": ((3, 2, 5), (3, 4)), "tokens": ((3, 5), (3, 5, 4))}


def table():
    return nn.Embedding(20, 8, padding_idx=0)


@pytest.mark.parametrize("architecture", ARCHITECTURES)
@pytest.mark.parametrize("reads", SHAPES)
def test_alone_and_stacked_the_scores_are_the_same(architecture, reads):
    given, expected = SHAPES[reads]
    torch.manual_seed(0)
    ids = torch.randint(1, 20, given)
    ids[0, ..., 3:] = 0
    models = [build_model(architecture, table(), 4, reads=reads).eval() for _ in range(2)]
    alone = [model(ids) for model in models]
    assert alone[0].shape == expected
    if not isinstance(models[0], Stackable):
        return
    tables = torch.stack([model.embedding.weight for model in models])
    together = stack_models(models).eval().scores(tables, ids)
    torch.testing.assert_close(together, torch.stack(alone), rtol=1e-4, atol=1e-5)
    if isinstance(models[0], PoolsFirst):
        pooled = models[0].pool(models[0].embedding.weight, ids)
        torch.testing.assert_close(models[0].score_pooled(pooled), alone[0])


def test_the_pair_is_not_symmetric_and_its_parts_are_read_apart():
    torch.manual_seed(0)
    model = build_model("average", table(), 1, reads="pair").eval()
    ids = torch.randint(1, 20, (2, 2, 4))
    assert not torch.allclose(model(ids), model(ids.flip(1)))


def test_a_users_own_module_makes_features_of_a_text():
    class Own(nn.Module):
        def __init__(self, embedding, num_outputs):
            super().__init__()
            self.embedding, self.linear = embedding, nn.Linear(8, num_outputs)

        def forward(self, ids):
            return self.linear(self.embedding(ids).mean(dim=1))

    from meltpoint.models import build_reader

    assert build_reader(Own, table(), 1, reads="pair")(torch.ones(3, 2, 5, dtype=torch.int64)).shape == (3, 1)
