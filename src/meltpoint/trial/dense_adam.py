"""Adam over many members at once: every number moves, each member at its own rates."""

from collections.abc import Callable, Sequence

import numpy as np
import torch
from torch import Tensor

BETAS = (0.9, 0.999)
EPSILON = 1e-8


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

    def step(self, parameters: Sequence[Tensor], gradients: Sequence[Tensor]) -> None:
        """Moves the parameters, which are those of the start, in the same order."""
        self._step += 1
        on_cpu = parameters[0].device.type == "cpu"
        update: Callable[..., None] = _update_compiled if on_cpu else _update_by_tensor_operations
        for parameter, gradient, mean, square in zip(parameters, gradients, self._means, self._squares, strict=True):
            state = (parameter.detach(), gradient.contiguous(), mean, square)
            update(*(tensor.view(len(tensor), -1) for tensor in state), self._rates, self._decays, self._step)

    def keep(self, members: Tensor) -> None:
        """Forgets all but these members, int64."""
        self._rates, self._decays = self._rates[members], self._decays[members]
        self._means = [mean[members] for mean in self._means]
        self._squares = [square[members] for square in self._squares]


def _update_compiled(
    weights: Tensor, gradients: Tensor, means: Tensor, squares: Tensor, rates: Tensor, decays: Tensor, step: int
) -> None:
    from meltpoint.trial.adam_loop import move_members  # noqa: PLC0415 - numba, where it is needed

    move_members(
        weights.numpy(),
        gradients.numpy(),
        means.numpy(),
        squares.numpy(),
        rates.numpy(),
        decays.numpy(),
        np.float32(1 - BETAS[0] ** step),
        np.float32((1 - BETAS[1] ** step) ** 0.5),
    )


def _update_by_tensor_operations(
    weights: Tensor, gradients: Tensor, means: Tensor, squares: Tensor, rates: Tensor, decays: Tensor, step: int
) -> None:
    gradients = gradients + decays.unsqueeze(1) * weights
    means.lerp_(gradients, 1 - BETAS[0])
    squares.mul_(BETAS[1]).addcmul_(gradients, gradients, value=1 - BETAS[1])
    scale = squares.sqrt().div_((1 - BETAS[1] ** step) ** 0.5).add_(EPSILON)
    weights.sub_(means / scale * (rates.unsqueeze(1) / (1 - BETAS[0] ** step)))
