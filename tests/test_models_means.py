"""Means over the words of texts: the compiled loops are torch's operations, forward and back."""

import numpy as np
import pytest
import torch

from meltpoint.models.means import _by_tensor_operations, mean_over_stretches, mean_over_words
from meltpoint.randomness import torch_seeded
from meltpoint.text import NumberedTexts

K, U, D = 2, 12, 50
IDS = torch.tensor([[3, 5, 5, 0, 0], [7, 0, 0, 0, 0], [1, 2, 11, 4, 3], [0, 0, 0, 0, 0]])
OWN = torch.stack([IDS, IDS.flip(0)])
CASES = {
    "one table": ((U, D), IDS),
    "tables of their own": ((K, U, D), IDS),
    "one table, texts of their own": ((1, U, D), OWN),
    "tables and texts of their own": ((K, U, D), OWN),
}


@pytest.mark.parametrize(("shape", "ids"), CASES.values(), ids=CASES)
def test_means_and_their_gradients(shape, ids):
    with torch_seeded(0, "table"):
        table = torch.randn(shape)
    results = []
    for average in (mean_over_words, _by_tensor_operations):
        leaf = table.clone().requires_grad_()
        means = average(leaf, ids)
        weights = torch.arange(means.numel()).view(means.shape) / means.numel()
        (means * weights).sum().backward()
        results.append((means.detach(), leaf.grad))
    (means, gradient), (expected, its_gradient) = results
    torch.testing.assert_close(means, expected, rtol=0, atol=1e-6)
    torch.testing.assert_close(gradient, its_gradient, rtol=0, atol=1e-6)
    assert not gradient[..., 0, :].any()


def test_a_text_without_a_token_is_zero_and_pads_count_nowhere():
    table = torch.ones(U, D)
    table[0] = 99
    assert mean_over_words(table, IDS)[:, 0].tolist() == [1, 1, 1, 0]


def test_other_precisions_are_computed_in_their_own():
    table = torch.ones(U, D, dtype=torch.float64)
    assert mean_over_words(table, IDS).dtype == torch.float64


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_words_are_averaged_where_they_stand(dtype):
    with torch_seeded(0, "table"):
        table = torch.randn((U, D), dtype=dtype)
    texts = NumberedTexts(
        numbers=np.array([7, 1, 2, 11, 4, 3, 5, 5], dtype=np.int32),
        starts=np.array([5, 0, 1]),
        lengths=np.array([3, 1, 5]),
    )
    assert torch.equal(mean_over_stretches(table, texts), mean_over_words(table, IDS[:3]))
