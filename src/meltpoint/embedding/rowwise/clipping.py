"""Gradient clipping over parameters of which some have sparse gradients."""

from collections.abc import Iterable

import torch
from torch import Tensor


@torch.no_grad()
def clip_grad_norm_(parameters: Iterable[Tensor], max_norm: float) -> Tensor:
    """Scales all gradients so that their common 2-norm is at most ``max_norm``.

    It is ``torch.nn.utils.clip_grad_norm_``, which does not take sparse gradients on the CPU. Equal rows of a sparse
    gradient are summed first: the norm is that of the gradient, not of its terms.

    Args:
        parameters: Those whose gradients count, each once; without a gradient they are passed over.
        max_norm: The largest norm.

    Returns:
        The norm before clipping, a scalar tensor.
    """
    gradients = []
    for parameter in parameters:
        if parameter.grad is None:
            continue
        if parameter.grad.is_sparse:
            parameter.grad = parameter.grad.coalesce()
            gradients.append(parameter.grad._values())
        else:
            gradients.append(parameter.grad)
    if not gradients:
        return torch.zeros(())
    device = gradients[0].device
    norms = [torch.linalg.vector_norm(gradient, dtype=torch.float32).to(device) for gradient in gradients]
    norm: Tensor = torch.linalg.vector_norm(torch.stack(norms))
    factor = (max_norm / (norm + 1e-6)).clamp(max=1.0)
    for gradient in gradients:
        gradient.mul_(factor.to(gradient.device, gradient.dtype))
    return norm
