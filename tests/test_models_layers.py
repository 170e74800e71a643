"""Layers with and without an axis of members."""

import pytest
import torch
from torch import nn

from meltpoint.models.layers import Affine, SharedDropout
from meltpoint.randomness import torch_generator, torch_seeded

B, F, H, K = 7, 5, 3, 2


def features(*shape):
    with torch_seeded(0, "features"):
        return torch.randn(*shape)


# Affine


def test_affine_is_a_linear_layer():
    layer, reference = Affine(F, H), nn.Linear(F, H)
    with torch.no_grad():
        reference.weight.copy_(layer.weight.T)
        reference.bias.copy_(layer.bias)
    torch.testing.assert_close(layer(features(B, F)), reference(features(B, F)), rtol=0, atol=1e-6)


def test_affine_starts_as_a_linear_layer_does():
    with torch_seeded(0, "layers"):
        layer, reference = Affine(400, 50), nn.Linear(400, 50)
    for one, other in ((layer.weight, reference.weight), (layer.bias, reference.bias)):
        assert one.abs().max() <= 400**-0.5
        assert one.std().item() == pytest.approx(other.std().item(), rel=0.2)
    assert layer.weight.std().item() == pytest.approx(reference.weight.std().item(), rel=0.02)


@pytest.mark.parametrize("shape", [(B, F), (K, B, F)], ids=["shared features", "features of each"])
def test_affine_with_members_is_each_members_layer(shape):
    layers = [Affine(F, H) for _ in range(K)]
    stack = Affine(F, H)
    stack.weight = nn.Parameter(torch.stack([layer.weight.detach() for layer in layers]))
    stack.bias = nn.Parameter(torch.stack([layer.bias.detach() for layer in layers]))
    inputs = features(*shape)
    for number, layer in enumerate(layers):
        own = inputs if inputs.ndim == 2 else inputs[number]
        torch.testing.assert_close(stack(inputs)[number], layer(own), rtol=0, atol=1e-6)


# Dropout


def masks(dropout, *shape):
    """What is left of ones, as multiples of what is kept."""
    return dropout(torch.ones(*shape)) * (1 - dropout.probability)


def test_all_members_have_one_mask():
    dropout = SharedDropout(0.5)
    dropout.generators = [torch_generator(0, "dropout")]
    first, second = masks(dropout, K, B, F)
    assert torch.equal(first, second)
    assert set(first.unique().tolist()) == {0.0, 1.0}


def test_one_model_drops_as_many_do():
    one, many = SharedDropout(0.3), SharedDropout(0.3)
    many.generators = [torch_generator(0, "dropout")]
    with torch_seeded(0, "dropout"):
        alone = [masks(one, B, F) for _ in range(3)]
    together = [masks(many, K, B, F) for _ in range(3)]
    for mask, (first, second) in zip(alone, together, strict=True):
        assert torch.equal(mask, first)
        assert torch.equal(mask, second)


def test_every_source_draws_from_its_own_generator_and_no_more_than_its_texts():
    joined, apart = SharedDropout(0.5), [SharedDropout(0.5) for _ in range(2)]
    joined.generators = [torch_generator(0, "dropout", source) for source in range(2)]
    joined.source_of = torch.tensor([0, 1, 0])
    for source, dropout in enumerate(apart):
        dropout.generators = [torch_generator(0, "dropout", source)]
    for counts in ([4, 7], [7, 2], [7, 7]):
        joined.num_texts = counts
        found = masks(joined, 3, B, F)
        expected = [masks(dropout, 1, count, F)[0] for dropout, count in zip(apart, counts, strict=True)]
        for mask, source in zip(found, (0, 1, 0), strict=True):
            assert torch.equal(mask[: counts[source]], expected[source])


def test_the_mean_stays_and_the_share_is_dropped():
    dropout = SharedDropout(0.2)
    with torch_seeded(0, "dropout"):
        kept = dropout(torch.ones(400, 100))
    assert kept.mean().item() == pytest.approx(1, abs=0.02)
    assert (kept == 0).float().mean().item() == pytest.approx(0.2, abs=0.01)


@pytest.mark.parametrize(("probability", "training"), [(0.0, True), (0.5, False)])
def test_nothing_is_dropped_nor_drawn(probability, training):
    dropout = SharedDropout(probability).train(training)
    dropout.generators = [torch_generator(0, "dropout")]
    before = dropout.generators[0].get_state()
    inputs = features(B, F)
    assert dropout(inputs) is inputs
    assert torch.equal(dropout.generators[0].get_state(), before)


def test_dropout_says_its_probability():
    assert str(SharedDropout(0.2)) == "SharedDropout(p=0.2)"


def test_a_mask_takes_sixteen_bits_a_number():
    dropout = SharedDropout(0.5)
    dropout.generators = [torch_generator(0, "dropout")]
    # An odd number of them: what is left over of the last 64 bits is thrown away.
    drawn, again = masks(dropout, 1, 3, 3), masks(dropout, 1, 3, 3)
    assert not torch.equal(drawn, again)
    reference = torch.empty(6, dtype=torch.int64).random_(-(2**63), None, generator=torch_generator(0, "dropout"))
    bits = torch.cat([words.view(torch.int16)[:9] for words in reference.split(3)])
    assert torch.equal(torch.cat([drawn, again]).flatten(), (bits >= 0).float())
