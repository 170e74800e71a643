"""Adam over members, against torch's: every member as if it were alone, in loops and by torch operations."""

import pytest
import torch

from meltpoint.randomness import torch_seeded
from meltpoint.trial.dense_adam import StackedAdam, _compiled_update, _update_by_tensor_operations

K = 3
RATES, DECAYS = (1e-3, 1e-2, 3e-2), (0.0, 1e-5, 1e-2)
SHAPES = ((K, 7, 5), (K, 3), (K, 130))
every_way = pytest.mark.parametrize("way", [_compiled_update, _update_by_tensor_operations])


@pytest.fixture
def way_taken(way, monkeypatch):
    """Has the optimiser take one of its two ways on this processor."""
    for name in ("_compiled_update", "_update_by_tensor_operations"):
        monkeypatch.setattr(f"meltpoint.trial.dense_adam.{name}", way)


def start():
    with torch_seeded(0, "weights"):
        return [torch.randn(shape) for shape in SHAPES]


def gradients(num_steps):
    with torch_seeded(0, "gradients"):
        for step in range(num_steps):
            drawn = [torch.randn(shape) * 10.0 ** -(step % 5) for shape in SHAPES]
            if step % 3 == 2:
                drawn[0][:, ::2] = 0  # as for words that a batch does not hold
            yield drawn


def torchs_adam(weights, rates, decays, num_steps):
    """Trains each member by an optimiser of its own."""
    for member in range(K):
        parameters = [weight[member].clone().requires_grad_() for weight in weights]
        adam = torch.optim.Adam(parameters, lr=rates[member], weight_decay=decays[member], fused=True)
        for drawn in gradients(num_steps):
            for parameter, gradient in zip(parameters, drawn, strict=True):
                parameter.grad = gradient[member].clone()
            adam.step()
        yield parameters


@every_way
@pytest.mark.parametrize("num_steps", [1, 60])
def test_every_member_is_stepped_as_torch_steps_it(way, way_taken, num_steps):
    weights = start()
    adam = StackedAdam(weights, RATES, DECAYS)
    for drawn in gradients(num_steps):
        adam.step(drawn)
    for member, parameters in enumerate(torchs_adam(start(), RATES, DECAYS, num_steps)):
        for weight, expected in zip(weights, parameters, strict=True):
            # Where a gradient is all but cancelled by its decay, rounding decides on a whole step: one in a hundred.
            torch.testing.assert_close(weight[member], expected.detach(), rtol=1e-5, atol=1e-2 * RATES[member])


@every_way
def test_members_that_leave_change_nothing_for_the_others(way, way_taken):
    weights, kept = start(), torch.tensor([2, 0])
    stayed = [weight.clone() for weight in weights]
    both, few = StackedAdam(weights, RATES, DECAYS), StackedAdam(stayed, RATES, DECAYS)
    for step, drawn in enumerate(gradients(20)):
        both.step(drawn)
        if step == 10:
            stayed = [weight[kept] for weight in stayed]
            few.keep(kept, stayed)
        few.step([gradient[kept] for gradient in drawn] if step >= 10 else drawn)
    for weight, own in zip(weights, stayed, strict=True):
        torch.testing.assert_close(own, weight[kept], rtol=0, atol=1e-7)


@every_way
def test_a_member_that_diverges_stays_alone_with_it(way, way_taken):
    results = []
    for rate in (1e-2, 1e38):
        weights = start()
        adam = StackedAdam(weights, (1e-3, rate, 1e-2), DECAYS)
        for drawn in gradients(5):
            drawn[1][1] = torch.nan if rate > 1 else drawn[1][1]
            adam.step(drawn)
        results.append(weights)
    for sound, torn in zip(*results, strict=True):
        assert torch.equal(torn[[0, 2]], sound[[0, 2]])
        assert not torn[1].isfinite().all()


def test_gradients_may_lie_in_any_order():
    drawn = next(gradients(1))
    one, other = start(), start()
    StackedAdam(one, RATES, DECAYS).step(drawn)
    turned = [gradient.transpose(0, -1).contiguous().transpose(0, -1) for gradient in drawn]
    StackedAdam(other, RATES, DECAYS).step(turned)
    assert all(torch.equal(*pair) for pair in zip(one, other, strict=True))


def test_parameters_are_moved_in_place_though_they_take_gradients():
    parameter = torch.nn.Parameter(torch.ones(2, 3))
    StackedAdam([parameter], (0.1, 0.2), (0.0, 0.0)).step([torch.ones(2, 3)])
    torch.testing.assert_close(parameter.detach(), torch.tensor([[0.9] * 3, [0.8] * 3]))
    assert parameter.requires_grad
