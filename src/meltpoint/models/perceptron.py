"""Hidden layers and an output of K members, computed forth and back outside of autograd.

What a small layer costs is mostly calls: of torch, of autograd, of the optimiser. Here the parameters of all layers lie
in one buffer, so that a pass through the layers is one compiled call, and so is a step of Adam.
"""

from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from meltpoint.models.layers import Affine, HiddenLayers

Flags = NDArray[np.bool_]


class MemberPerceptron:
    """The layers of a stack (:func:`meltpoint.models.stack_models`), whose parameters are views of one buffer.

    Attributes:
        parameters: ``(K, P)`` float32, in main memory: all numbers of a member in one piece.
        gradients: ``(K, P)``; what the parameters' ``grad`` are views of.
    """

    def __init__(self, hidden: HiddenLayers, output: Affine) -> None:
        """Moves the parameters of the layers into the buffer."""
        layers = [*hidden.affine, output]
        self._dropout = hidden.dropout
        self._sizes = np.array([layers[0].weight.shape[1], *(layer.weight.shape[2] for layer in layers)])
        own = [parameter for layer in layers for parameter in (layer.weight, layer.bias)]
        self.parameters = torch.cat([parameter.detach().flatten(1) for parameter in own], dim=1)
        self.gradients = torch.zeros_like(self.parameters)
        first = 0
        for parameter in own:
            last = first + parameter[0].numel()
            parameter.data = self.parameters[:, first:last].view(parameter.shape)
            parameter.grad = self.gradients[:, first:last].view(parameter.shape)
            first = last
        # Made once: a view of a tensor as an array takes as long as the arithmetic on an output layer.
        self._arrays = self.parameters.numpy(), self.gradients.numpy()

    def backpropagate(
        self, pooled: Tensor, score_gradient: Callable[[Tensor], Tensor], *, to_pooled: bool
    ) -> Tensor | None:
        """Takes the pooled features through all layers, and the gradient of the scores back."""
        from meltpoint.models.perceptron_loops import compute, differentiate  # noqa: PLC0415 - numba, where it is needed

        parameters, gradients = self._arrays
        inputs = (pooled if pooled.ndim == 3 else pooled.unsqueeze(0)).detach().contiguous().numpy()
        num_members, num_texts = len(parameters), inputs.shape[1]
        depth, num_features = len(self._sizes) - 2, self._sizes[-2]
        values = np.empty((depth, num_members, num_texts, num_features), dtype=np.float32)
        scores = np.empty((num_members, num_texts, self._sizes[-1]), dtype=np.float32)
        kept, scale = self._draw(depth, num_texts, num_features)
        compute(inputs, parameters, self._sizes, kept, scale, values, scores)
        by_scores = score_gradient(torch.from_numpy(scores)).contiguous().numpy()
        back = np.empty((num_members if to_pooled else 0, *inputs.shape[1:]), dtype=np.float32)
        differentiate(inputs, parameters, self._sizes, kept, scale, values, by_scores, gradients, back)
        return torch.from_numpy(back) if to_pooled else None

    def _draw(self, depth: int, num_texts: int, num_features: int) -> tuple[Flags, np.float32]:
        """Draws what dropout keeps, ``(depth, K or 1, B, H)``, and returns what that is multiplied by."""
        layers = [self._dropout.draw(num_texts, num_features, self.parameters.device) for _ in range(depth)]
        drawn = [kept.view(-1, num_texts, num_features) for kept in layers if kept is not None]
        if not drawn:
            return np.ones((depth, 1, num_texts, num_features), dtype=np.bool_), np.float32(1)
        kept = drawn[0].unsqueeze(0) if depth == 1 else torch.stack(drawn)
        return kept.numpy(), np.float32(self._dropout.scale)
