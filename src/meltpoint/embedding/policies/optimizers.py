"""Which classes of ``torch.optim`` a policy can keep its word under."""

from collections.abc import Sequence

from torch import nn
from torch.optim import LBFGS, Muon, Optimizer, SparseAdam

from meltpoint.errors import InputError


def check_optimizer(policy: str, optimizer_class: type[Optimizer]) -> None:
    """Raises :class:`InputError` for an optimiser under which no policy can work."""
    if issubclass(optimizer_class, SparseAdam):
        raise InputError(
            f"Policy {policy!r} does not work under torch.optim.SparseAdam: it takes sparse gradients alone, and the "
            "layers above an embedding have dense ones. Use torch.optim.Adam or AdamW; where the table is large, "
            "meltpoint.RowwiseOptimizer steps the rows of each batch alone."
        )


def check_parameters(policy: str, optimizer_class: type[Optimizer], groups: Sequence[Sequence[nn.Parameter]]) -> None:
    """Raises :class:`InputError` where an optimiser cannot take these parameter groups."""
    if issubclass(optimizer_class, LBFGS) and len(groups) > 1:
        raise InputError(
            f"Policy {policy!r} does not work under torch.optim.LBFGS: it takes one parameter group, and this policy "
            "trains the embedding in a group of its own. Use 'frozen', or another optimiser."
        )
    flat = [tuple(p.shape) for group in groups for p in group if p.ndim != 2]
    if issubclass(optimizer_class, Muon) and flat:
        raise InputError(
            f"Policy {policy!r} does not work under torch.optim.Muon with this model: it takes matrices alone, and "
            f"the model trains a parameter of shape {flat[0]}. Give Muon to the matrices above the embedding, and "
            "make the policy's optimiser with torch.optim.AdamW for the rest."
        )
