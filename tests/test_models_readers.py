"""Models of pairs and of tokens: one for each architecture, alone and stacked, the same scores."""

import numpy as np
import pytest
import torch
from torch import nn

from meltpoint.errors import InputError
from meltpoint.models import (
    ARCHITECTURES,
    PoolsFirst,
    Stackable,
    build_model,
    build_reader,
    depth_of,
    find_architecture,
    is_own,
    stack_models,
)
from meltpoint.models.attention import SoftAlignment
from meltpoint.text import NumberedTexts

SHAPES = {"pair": ((3, 2, 5), (3, 4)), "tokens": ((3, 5), (3, 5, 4))}


def table():
    return nn.Embedding(20, 8, padding_idx=0)


CASES = [(name, reads) for reads in SHAPES for name in ARCHITECTURES]
CASES += [(f"{name}+attention", "pair") for name in ARCHITECTURES]


@pytest.mark.parametrize(("architecture", "reads"), CASES)
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


@pytest.mark.parametrize(("architecture", "reads"), [*CASES, *((name, "text") for name in ARCHITECTURES)])
def test_texts_that_stand_one_after_another_get_the_scores_of_padded_ones(architecture, reads):
    torch.manual_seed(0)
    model = build_model(architecture, table(), 4, reads=reads).eval()
    numbers, lengths = np.arange(1, 19, dtype=np.int32), np.array([5, 1, 3, 2, 4, 3])
    texts = NumberedTexts(numbers=numbers, starts=np.cumsum(lengths) - lengths, lengths=lengths)
    ids = torch.from_numpy(texts.padded())
    assert (ids > 0).sum(dim=1).tolist() == lengths.tolist()
    expected = model(ids.view(3, 2, 5) if reads == "pair" else ids)
    torch.testing.assert_close(model.score_texts(model.embedding.weight, texts), expected, rtol=1e-4, atol=1e-5)


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

    assert build_reader(Own, table(), 1, reads="pair")(torch.ones(3, 2, 5, dtype=torch.int64)).shape == (3, 1)


def test_attention_by_hand():
    # Words 1 = (1, 0), 2 = (0, 1), 3 = (2, 0) and the pad; "1" against "2 3", cosines 0 and 1.
    vectors = torch.tensor([[9.0, 9.0], [1, 0], [0, 1], [2, 0]])
    alignment = SoftAlignment(2)
    found = alignment(vectors, torch.tensor([[1, 0]]), torch.tensor([[2, 3]]))
    share = 1 / (1 + torch.exp(torch.tensor(-10.0)))
    aligned = share * vectors[3] + (1 - share) * vectors[2]
    of_first = torch.cat([(vectors[1] - aligned).abs(), vectors[1] * aligned])
    # Both words of the second text find the one word there is: |2 - 1|, |3 - 1| and 2 * 1, 3 * 1, averaged.
    of_second = torch.tensor([(1 + 1) / 2, 1 / 2, (0 + 2) / 2, 0])
    torch.testing.assert_close(found[0], torch.cat([of_first, of_second]))


def test_attention_knows_no_padding_and_survives_empty_texts():
    torch.manual_seed(0)
    model = build_model("average+attention", table(), 1, reads="pair").eval()
    ids = torch.randint(1, 20, (3, 2, 4))
    ids[1, 0], ids[2] = 0, 0
    wider = torch.cat([ids, torch.zeros(3, 2, 5, dtype=torch.int64)], dim=-1)
    torch.testing.assert_close(model(wider), model(ids))
    assert torch.isfinite(model(ids)).all()


def test_attention_is_refused_where_there_is_nothing_to_attend_to():
    for reads in ("text", "tokens"):
        with pytest.raises(InputError, match="this task reads one text at a time"):
            build_model("cnn+attention", table(), 1, reads=reads)
    with pytest.raises(InputError, match="for built-in architectures"):
        build_reader(lambda embedding, num_outputs: nn.Linear(8, num_outputs), table(), 1, reads="pair", attends=True)


def test_attention_is_written_behind_a_depth():
    assert depth_of("lstm:3+attention") == ("lstm+attention", 3)
    assert not is_own("average+attention")
    with pytest.raises(InputError, match=r"found 'x'"):
        find_architecture("lstm:x+attention")
