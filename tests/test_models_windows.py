"""The highest window sums: compiled loops, torch operations, and a convolution with its max over time."""

import pytest
import torch
from torch.nn import functional

from meltpoint.models.windows import Bank, _by_tensor_operations, max_over_windows
from meltpoint.randomness import torch_seeded

U, D = 12, 4
SMALL, KIM, WIDE = (
    Bank(widths=(1, 2), num_filters=3),
    Bank(widths=(3, 4, 5), num_filters=2),
    Bank(widths=(2, 7), num_filters=4),
)
# (K, B, T): no member axis is 0.
SHAPES = [(0, 3, 5), (0, 1, 1), (1, 2, 1), (2, 4, 9), (3, 1, 2)]
every_bank = pytest.mark.parametrize("bank", [SMALL, KIM, WIDE], ids=["1, 2", "3, 4, 5", "2, 7"])
every_shape = pytest.mark.parametrize("shape", SHAPES, ids=str)


def texts(batch_size, length, *, num_members=0):
    """Ids padded on the right; the first text is as long as can be, the last has one token."""
    shape = (num_members, batch_size) if num_members else (batch_size,)
    ids = torch.randint(1, U, (*shape, length))
    lengths = torch.randint(1, length + 1, shape)
    lengths[..., 0], lengths[..., -1] = length, 1
    return ids * (torch.arange(length) < lengths.unsqueeze(-1))


def tables(num_members):
    table = torch.randn(num_members, U, D) if num_members else torch.randn(U, D)
    table[..., 0, :] = 0
    return table


def filters(bank):
    return [torch.randn(bank.num_filters, D, width) for width in bank.widths]


def side_by_side(weights):
    """Filters ``(F, D, width)`` as the columns of the projection: for each width, for each position, the filters."""
    return torch.cat([weight.permute(1, 2, 0).flatten(1) for weight in weights], dim=1)


def unchanged(bank):
    """Filters under which the table is its own projection."""
    return torch.eye(bank.first_columns[-1])


def by_convolution(table, ids, weights):
    """nn.Conv1d and its max over the windows that hold a token, one text at a time."""
    found = []
    for text in ids:
        words = table[text[text != 0]].T
        maps = [functional.conv1d(words[None], weight, padding=weight.shape[2] - 1)[0] for weight in weights]
        found.append(torch.cat([each.amax(dim=1) for each in maps]))
    return torch.stack(found)


@every_bank
@every_shape
@pytest.mark.parametrize("own_texts", [False, True])
def test_values_and_gradients_are_those_of_a_convolution(bank, shape, own_texts):
    num_members, batch_size, length = shape
    with torch_seeded(0, "windows"):
        table, weights = tables(num_members).requires_grad_(), [each.requires_grad_() for each in filters(bank)]
        ids = texts(batch_size, length, num_members=num_members if own_texts else 0)
        pull = torch.randn(max(1, num_members), batch_size, len(bank.widths) * bank.num_filters)
    leaves = [table, *weights]
    ways = {
        "loops": max_over_windows(table, side_by_side(weights), ids, bank),
        "tensors": _by_tensor_operations(table, side_by_side(weights), ids, bank),
    }
    members = table if num_members else table[None]
    each = ids if ids.ndim == 3 else ids.expand(len(members), *ids.shape)
    reference = torch.stack([by_convolution(own, its, weights) for own, its in zip(members, each, strict=True)])
    expected = torch.autograd.grad((reference * pull).sum(), leaves)
    for way, found in ways.items():
        torch.testing.assert_close(found.view_as(reference), reference, rtol=1e-5, atol=1e-5, msg=way)
        assert found.ndim == (3 if num_members else 2)
        gradients = torch.autograd.grad((found.view_as(pull) * pull).sum(), leaves)
        for one, other in zip(gradients, expected, strict=True):
            torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-4, msg=way)


@every_bank
@pytest.mark.parametrize("num_tables", [1, 3])
@pytest.mark.parametrize("is_frozen", [False, True])
def test_members_with_filters_of_their_own_are_computed_as_one_by_one(bank, num_tables, is_frozen):
    with torch_seeded(0, "windows"):
        table = tables(num_tables).requires_grad_(not is_frozen)
        columns = torch.stack([side_by_side(filters(bank)) for _ in range(3)]).requires_grad_()
        ids, pull = texts(4, 6), torch.randn(3, 4, len(bank.widths) * bank.num_filters)
    leaves = [columns] if is_frozen else [columns, table]
    together = max_over_windows(table, columns, ids, bank)
    alone = torch.stack([max_over_windows(table[k % num_tables], columns[k], ids, bank) for k in range(3)])
    torch.testing.assert_close(together, alone)
    found, expected = (torch.autograd.grad((each * pull).sum(), leaves) for each in (together, alone))
    for one, other in zip(found, expected, strict=True):
        torch.testing.assert_close(one, other)


def test_autocast_rounds_as_it_does_elsewhere():
    with torch_seeded(0, "windows"):
        table, columns, ids = tables(0), side_by_side(filters(KIM)), texts(4, 6)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        rounded = max_over_windows(table, columns, ids, KIM)
    assert rounded.dtype == torch.bfloat16
    torch.testing.assert_close(rounded.float(), max_over_windows(table, columns, ids, KIM), rtol=0.05, atol=0.05)


@every_bank
def test_the_gradient_of_the_tensor_path_is_exact(bank):
    with torch_seeded(0, "windows"):
        projected = torch.randn(2, U, bank.first_columns[-1], dtype=torch.float64, requires_grad=True)
        ids = texts(3, 4)
    assert torch.autograd.gradcheck(lambda p: max_over_windows(p, unchanged(bank).double(), ids, bank), projected)


@every_bank
@pytest.mark.parametrize("more", [1, 6, 30])
def test_longer_padding_changes_no_bit(bank, more):
    with torch_seeded(0, "windows"):
        table, columns, ids = torch.randn(U, D), side_by_side(filters(bank)), texts(5, 6)
    longer = functional.pad(ids, (0, more))
    for way in (max_over_windows, _by_tensor_operations):
        assert torch.equal(way(table, columns, longer, bank), way(table, columns, ids, bank))


@every_bank
def test_the_row_of_the_pad_is_never_read(bank):
    with torch_seeded(0, "windows"):
        table, columns, ids = torch.randn(U, D), side_by_side(filters(bank)), texts(5, 6)
    loud = table.clone()
    loud[0] = 1e3
    for way in (max_over_windows, _by_tensor_operations):
        assert torch.equal(way(loud, columns, ids, bank), way(table, columns, ids, bank))


@pytest.mark.parametrize("way", [max_over_windows, _by_tensor_operations])
def test_the_gradient_of_a_tie_is_one_in_all(way):
    # One word, five times over: all windows of width 1 are alike. The loops give all to the first, torch shares it.
    projected = torch.ones(U, SMALL.first_columns[-1], requires_grad=True)
    highest = way(projected, unchanged(SMALL), torch.full((1, 5), 3), SMALL)
    assert torch.equal(highest, torch.tensor([[1.0] * 3 + [2.0] * 3]))
    highest[0, 0].backward()
    expected = torch.zeros_like(projected)
    expected[3, 0] = 1
    torch.testing.assert_close(projected.grad, expected)


@pytest.mark.parametrize("way", [max_over_windows, _by_tensor_operations])
def test_what_is_not_a_number_is_not_passed_over(way):
    projected = torch.zeros(U, KIM.first_columns[-1])
    projected[5] = torch.nan
    highest = way(projected, unchanged(KIM), torch.tensor([[1, 2, 5, 3, 4], [1, 2, 3, 4, 6]]), KIM)
    assert highest[0].isnan().all()
    assert not highest[1].isnan().any()


def test_texts_without_tokens_are_the_sum_of_nothing():
    ids = torch.zeros(2, 3, dtype=torch.int64)
    with torch_seeded(0, "windows"):
        projected = torch.randn(U, KIM.first_columns[-1], requires_grad=True)
    for way in (max_over_windows, _by_tensor_operations):
        highest = way(projected, unchanged(KIM), ids, KIM)
        assert not highest.any()
        (gradient,) = torch.autograd.grad(highest.sum(), projected)
        assert not gradient.any()


def test_columns_follow_the_widths():
    assert KIM.first_columns == (0, 6, 14, 24)
