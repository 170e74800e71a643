"""Backward passes that are written out leave the gradients that autograd finds."""

import pytest
import torch
from torch import nn

from meltpoint.models import HandDifferentiated, build_model, stack_models
from meltpoint.models.layers import SharedDropout
from meltpoint.randomness import torch_generator, torch_seeded
from meltpoint.tasks import TASKS
from meltpoint.tasks.classify import CLASSIFY
from meltpoint.text import NO_LABEL

K, V, D, C = 3, 20, 6, 4
IDS = torch.tensor([[3, 5, 5, 0, 0, 0], [7, 0, 0, 0, 0, 0], [1, 2, 19, 4, 3, 9], [0, 0, 0, 0, 0, 0]])
LABELS = torch.tensor([0, 3, 1, 2])
OWN_IDS = torch.stack([IDS, IDS.roll(1, 0), IDS.flip(0)])
OWN_LABELS = torch.stack([LABELS, torch.tensor([NO_LABEL, 1, 1, 0]), LABELS.flip(0)])
every_architecture = pytest.mark.parametrize("architecture", ["average:0", "average", "average:2"])


def stack_of(architecture, num_sources):
    """K members in training; each source of texts draws masks of its own."""
    with torch_seeded(0, "members"):
        stack = stack_models([build_model(architecture, nn.Embedding(V, D, padding_idx=0), C) for _ in range(K)])
    assert isinstance(stack, HandDifferentiated)
    for module in stack.modules():
        if isinstance(module, SharedDropout):
            module.generators = [torch_generator(0, "dropout", source) for source in range(num_sources)]
            module.source_of = torch.arange(K) if num_sources > 1 else None
    return stack.train()


def tables(num_tables):
    with torch_seeded(0, "tables"):
        return torch.randn(num_tables, V, D)


def gradients(stack):
    return {name: parameter.grad.clone() for name, parameter in stack.named_parameters()}


def by_hand(stack, table, ids, labels, *, to_pooled):
    with torch.no_grad():
        pooled = stack.pool(table, ids)
        back = stack.lay_out().backpropagate(
            pooled, lambda scores: CLASSIFY.score_gradient(scores, labels), to_pooled=to_pooled
        )
        return back, None if back is None else stack.spread(back, ids, table.shape[1])


@every_architecture
@pytest.mark.parametrize(("ids", "labels"), [(IDS, LABELS), (OWN_IDS, OWN_LABELS)], ids=["shared texts", "own texts"])
def test_gradients_are_those_of_autograd(architecture, ids, labels):
    num_sources = K if ids.ndim == 3 else 1
    table = tables(K).requires_grad_()
    reference = stack_of(architecture, num_sources)
    CLASSIFY.loss(reference.scores(table, ids), labels).sum().backward()
    stack = stack_of(architecture, num_sources)
    _, spread = by_hand(stack, table.detach(), ids, labels, to_pooled=True)
    torch.testing.assert_close(spread, table.grad, rtol=0, atol=1e-6)
    assert not spread[:, 0].any()
    expected = gradients(reference)
    for name, gradient in gradients(stack).items():
        torch.testing.assert_close(gradient, expected[name], rtol=0, atol=1e-6, msg=name)


@every_architecture
def test_features_that_do_not_move_take_no_gradient(architecture):
    table = tables(1)
    reference = stack_of(architecture, 1)
    CLASSIFY.loss(reference.score_pooled(reference.pool(table, IDS)[0]), LABELS).sum().backward()
    stack = stack_of(architecture, 1)
    with torch.no_grad():
        pooled = stack.pool(table, IDS)[0]
        score_gradient = lambda scores: CLASSIFY.score_gradient(scores, LABELS)  # noqa: E731
        assert stack.lay_out().backpropagate(pooled, score_gradient, to_pooled=False) is None
    for name, gradient in gradients(stack).items():
        torch.testing.assert_close(gradient, gradients(reference)[name], rtol=0, atol=1e-6, msg=name)


def test_a_member_that_is_not_a_number_stays_alone_with_it():
    stack = stack_of("average", 1)
    with torch.no_grad():
        stack.hidden.layers[0].weight[1] = torch.nan
    by_hand(stack, tables(K), IDS, LABELS, to_pooled=True)
    for gradient in gradients(stack).values():
        assert gradient[[0, 2]].isfinite().all()
    assert gradients(stack)["output.weight"][1].isnan().all()


# The gradient of a loss by the scores


@pytest.mark.parametrize("own_labels", [False, True])
def test_the_gradient_of_cross_entropy_is_that_of_autograd(own_labels):
    with torch_seeded(0, "scores"):
        scores = (torch.randn(K, 4, C) * 10).requires_grad_()
    labels = OWN_LABELS if own_labels else LABELS
    CLASSIFY.loss(scores, labels).sum().backward()
    torch.testing.assert_close(CLASSIFY.score_gradient(scores.detach(), labels), scores.grad, rtol=0, atol=1e-7)


def test_every_other_loss_is_differentiated_by_autograd():
    with torch_seeded(0, "scores"):
        scores = torch.randn(K, 4, C)
    labels = torch.tensor([[1, 0, 1, 1], [0, 0, 0, 0], [NO_LABEL] * C, [1, 1, 1, 1]])
    task = TASKS["multilabel"]
    leaf = scores.clone().requires_grad_()
    task.loss(leaf, labels).sum().backward()
    with torch.no_grad():
        assert torch.equal(task.score_gradient(scores, labels), leaf.grad)
