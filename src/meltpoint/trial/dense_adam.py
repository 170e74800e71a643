"""Adam over many members at once: every number moves, each member at its own rates."""

from collections.abc import Callable, Sequence

import numpy as np
import torch
from torch import Tensor

BETAS = (0.9, 0.999)
EPSILON = 1e-8

Update = Callable[[Tensor, int], None]
"""Moves one parameter by its gradient, at the step of that number."""


class StackedAdam:
    """``torch.optim.Adam`` with coupled weight decay, for parameters with a leading axis of K members.

    Kingma & Ba, "Adam: a method for stochastic optimization", ICLR 2015, in the form and with the defaults of
    ``torch.optim.Adam``: ``g + decay * w``, then ``w - lr / (1 - b1^t) * m / (sqrt(v / (1 - b2^t)) + eps)``. Learning
    rate and decay are each member's own, which a parameter group of torch cannot say of part of a tensor.
    """

    def __init__(self, parameters: Sequence[Tensor], learning_rates: Sequence[float], decays: Sequence[float]) -> None:
        """Starts at step 0.

        Args:
            parameters: Tensors ``(K, ...)``, contiguous float32.
            learning_rates: K numbers.
            decays: K coefficients of the coupled decay, 0 for none.
        """
        device = parameters[0].device
        self._rates = torch.tensor(learning_rates, dtype=torch.float32, device=device)
        self._decays = torch.tensor(decays, dtype=torch.float32, device=device)
        self._means = [torch.zeros_like(parameter) for parameter in parameters]
        self._squares = [torch.zeros_like(parameter) for parameter in parameters]
        self._step = 0
        self._follow(parameters)

    def step(self, gradients: Sequence[Tensor]) -> None:
        """Moves the parameters by their gradients, in the order of the parameters."""
        self._step += 1
        for update, gradient in zip(self._updates, gradients, strict=True):
            update(gradient, self._step)

    def keep(self, members: Tensor, parameters: Sequence[Tensor]) -> None:
        """Forgets all but these members, int64; theirs are from now on the parameters ``(len(members), ...)``."""
        self._rates, self._decays = self._rates[members], self._decays[members]
        self._means = [mean[members] for mean in self._means]
        self._squares = [square[members] for square in self._squares]
        self._follow(parameters)

    def _follow(self, parameters: Sequence[Tensor]) -> None:
        on_cpu = self._rates.device.type == "cpu"
        prepare = _compiled_update if on_cpu else _update_by_tensor_operations
        self._updates = [
            prepare(parameter.detach(), mean, square, self._rates, self._decays)
            for parameter, mean, square in zip(parameters, self._means, self._squares, strict=True)
        ]


def _compiled_update(weights: Tensor, means: Tensor, squares: Tensor, rates: Tensor, decays: Tensor) -> Update:
    from meltpoint.trial.adam_loop import move_members  # noqa: PLC0415 - numba, where it is needed

    # The arrays are made once: for the few numbers of an output layer that takes as long as its update.
    shape = (len(weights), -1)
    weight, mean, square = (tensor.view(shape).numpy() for tensor in (weights, means, squares))
    rate, decay = rates.numpy(), decays.numpy()

    def update(gradients: Tensor, step: int) -> None:
        mean_correction = np.float32(1 - BETAS[0] ** step)
        root_correction = np.float32((1 - BETAS[1] ** step) ** 0.5)
        gradient = gradients.contiguous().view(shape).numpy()
        move_members(weight, gradient, mean, square, rate, decay, mean_correction, root_correction)

    return update


def _update_by_tensor_operations(
    weights: Tensor, means: Tensor, squares: Tensor, rates: Tensor, decays: Tensor
) -> Update:
    rate, decay = (numbers.view(-1, *[1] * (weights.ndim - 1)) for numbers in (rates, decays))

    def update(gradients: Tensor, step: int) -> None:
        slopes = gradients + decay * weights
        means.lerp_(slopes, 1 - BETAS[0])
        squares.mul_(BETAS[1]).addcmul_(slopes, slopes, value=1 - BETAS[1])
        scale = squares.sqrt().div_((1 - BETAS[1] ** step) ** 0.5).add_(EPSILON)
        weights.sub_(means / scale * (rate / (1 - BETAS[0] ** step)))

    return update
