"""Rows stepped alone, held against dense optimisers of torch in float64."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from meltpoint.embedding.rowwise import RowAdagrad, RowAdam, RowSGD, RowUpdater
from meltpoint.embedding.rowwise.absences import LONGEST_HISTORY
from meltpoint.embedding.rowwise.rules import AdamRule, SgdRule
from meltpoint.errors import InputError
from meltpoint.randomness import torch_generator

V, D = 24, 5
DTYPES = (torch.float32, torch.float64)

# name: updater, its options, dense optimiser, its options, decoupled decay that the dense loop applies by hand
RULES = {
    "adam": (RowAdam, {}, torch.optim.Adam, {}, 0.0),
    "adamw": (RowAdam, {"weight_decay": 0.7}, torch.optim.AdamW, {"weight_decay": 0.7}, 0.0),
    "adam, no momentum": (RowAdam, {"betas": (0.0, 0.99)}, torch.optim.Adam, {"betas": (0.0, 0.99)}, 0.0),
    "adam, short memory": (RowAdam, {"betas": (0.6, 0.9)}, torch.optim.Adam, {"betas": (0.6, 0.9)}, 0.0),
    "sgd": (RowSGD, {}, torch.optim.SGD, {}, 0.0),
    "sgd, decay": (RowSGD, {"weight_decay": 0.7}, torch.optim.SGD, {"weight_decay": 0.7}, 0.0),
    "sgd, momentum": (RowSGD, {"momentum": 0.9}, torch.optim.SGD, {"momentum": 0.9}, 0.0),
    "sgd, nesterov, decay": (
        RowSGD,
        {"momentum": 0.8, "nesterov": True, "weight_decay": 0.7},
        torch.optim.SGD,
        {"momentum": 0.8, "nesterov": True},
        0.7,
    ),
    "adagrad": (RowAdagrad, {}, torch.optim.Adagrad, {}, 0.0),
    "adagrad, decay": (RowAdagrad, {"weight_decay": 0.7}, torch.optim.Adagrad, {}, 0.7),
}
every_rule = pytest.mark.parametrize("rule", RULES)
every_dtype = pytest.mark.parametrize("dtype", DTYPES, ids=str)


def start_rows(seed=0):
    return torch.randn(V, D, generator=torch_generator(seed, "start"), dtype=torch.float64)


def gradients(num_rows, seed, step, scale=1.0):
    random = torch_generator(seed, "gradients", step)
    sizes = scale * 10 ** (-2 * torch.rand(num_rows, D, generator=random, dtype=torch.float64))
    return sizes * torch.randn(num_rows, D, generator=random, dtype=torch.float64)


def train_rows(updater, batches, rates, *, seed=0, scale=1.0, in_place=False):
    for step, (batch, lr) in enumerate(zip(batches, rates, strict=True)):
        rows = torch.tensor(batch, dtype=torch.int64)
        if in_place:
            updater.catch_up(rows)
        updater.step(rows, gradients(len(rows), seed, step, scale).to(updater.table.dtype), lr=lr)
    updater.flush()
    return updater.table.double()


def train_dense(optimizer_class, options, batches, rates, *, decay=0.0, seed=0, scale=1.0, after=None):
    table = start_rows(seed).requires_grad_()
    optimizer = optimizer_class([table], lr=1.0, **options)
    for step, (batch, lr) in enumerate(zip(batches, rates, strict=True)):
        rows = torch.tensor(batch, dtype=torch.int64)
        table.grad = torch.zeros_like(table).index_copy_(0, rows, gradients(len(rows), seed, step, scale))
        optimizer.param_groups[0]["lr"] = lr
        with torch.no_grad():
            table.mul_(1 - lr * decay)
        optimizer.step()
        if after is not None:
            with torch.no_grad():
                after(table, lr)
    return table.detach()


def fixed_batches(num_steps=120, seed=3):
    """Rows by Zipf's law; the last quarter of the table is seen in the first steps and never again."""
    random = torch_generator(seed, "batches")
    weights = 1 / torch.arange(1.0, V + 1)
    late = weights.clone()
    late[-V // 4 :] = 0
    return [
        torch.multinomial(weights if step < 4 else late, 6, generator=random).sort().values.tolist()
        for step in range(num_steps)
    ]


def cosine(num_steps):
    return [1e-2 * (0.1 + math.cos(step / num_steps) ** 2) for step in range(num_steps)]


def deviation(found, expected, seed=0):
    """rms difference over rms movement."""
    moved = expected - start_rows(seed)
    return float((found - expected).norm() / moved.norm().clamp(min=1e-12))


batch_lists = st.lists(st.sets(st.integers(0, V - 1), max_size=6).map(sorted), min_size=1, max_size=40)


@every_rule
@settings(max_examples=8, deadline=None)
@given(batches=batch_lists, gaps=st.lists(st.integers(0, 30), min_size=1, max_size=3), seed=st.integers(0, 99))
def test_exact_is_the_dense_optimizer(rule, batches, gaps, seed):
    # Long absences of everything, in the middle and at the end.
    for gap in gaps:
        batches = [*batches[: gap % len(batches) + 1], *[[]] * gap, *batches[gap % len(batches) + 1 :]]
    rates = [1e-2 * (1 + math.sin(seed + step)) for step in range(len(batches))]
    make, options, dense, dense_options, decay = RULES[rule]
    expected = train_dense(dense, dense_options, batches, rates, decay=decay, seed=seed)
    for dtype, allowed in ((torch.float64, 1e-7), (torch.float32, 1e-5)):
        found = train_rows(make(start_rows(seed).to(dtype), **options), batches, rates, seed=seed)
        # The rows are of size 1: float32 rounds them at 6e-8, however little they move.
        assert (found - expected).abs().max() < allowed * (expected - start_rows(seed)).abs().max() + allowed / 10


@every_dtype
@every_rule
def test_exact_over_long_absences(rule, dtype):
    batches = fixed_batches(400)
    rates = cosine(400)
    make, options, dense, dense_options, decay = RULES[rule]
    expected = train_dense(dense, dense_options, batches, rates, decay=decay)
    found = train_rows(make(start_rows().to(dtype), **options), batches, rates)
    assert deviation(found, expected) < (3e-5 if dtype == torch.float32 else 1e-9)


@pytest.mark.parametrize(
    ("scale", "allowed"), [(1.0, 1e-8), (1e-3, 1e-4), (1e-6, 1e-4), (1e-7, 1e-4), (1e-8, 1e-4), (1e-10, 1e-4)]
)
def test_adam_with_gradients_as_small_as_eps(scale, allowed):
    batches, rates = fixed_batches(300), cosine(300)
    expected = train_dense(torch.optim.Adam, {}, batches, rates, scale=scale)
    found = train_rows(RowAdam(start_rows()), batches, rates, scale=scale)
    assert deviation(found, expected) < allowed


@pytest.mark.parametrize("strength", [0.5, 20.0, 1e9])
@every_dtype
@every_rule
def test_the_anchor_is_that_of_the_policy(rule, dtype, strength):
    make, options, dense, dense_options, _ = RULES[rule]
    options, dense_options = ({k: v for k, v in o.items() if k != "weight_decay"} for o in (options, dense_options))
    if dense is torch.optim.AdamW:
        dense_options["weight_decay"] = 0.0
    known = torch.arange(V) % 3 > 0
    anchor = start_rows()

    def pull(table, lr):
        share = min(1.0, lr * strength)
        table.lerp_(anchor, known.double().unsqueeze(1) * share)

    batches, rates = fixed_batches(200), cosine(200)
    expected = train_dense(dense, dense_options, batches, rates, after=pull)
    updater = make(
        start_rows().to(dtype), anchor=anchor.to(dtype), anchor_strength=strength, anchored_rows=known, **options
    )
    found = train_rows(updater, batches, rates)
    assert deviation(found, expected) < (3e-5 if dtype == torch.float32 else 1e-9)


@every_dtype
def test_rows_that_never_occur_keep_their_bits_under_an_anchor(dtype):
    start = start_rows().to(dtype)
    updater = RowAdam(start.clone(), anchor=start, anchor_strength=3.0)
    train_rows(updater, [[0, 1]] * 30, cosine(30))
    assert torch.equal(updater.table[2:], start[2:])
    assert not torch.equal(updater.table[:2], start[:2])


@every_dtype
def test_rows_that_never_occur_are_pulled_from_elsewhere(dtype):
    anchor = start_rows().to(dtype)
    updater = RowAdam(anchor + 1, lr=0.1, anchor=anchor, anchor_strength=1.0)
    train_rows(updater, [[0]] * 10, [0.1] * 10)
    torch.testing.assert_close(updater.table[3:] - anchor[3:], torch.full((V - 3, D), 0.9**10, dtype=dtype))


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
def test_decay_spares_the_padding_row_and_reaches_every_other(dtype):
    updater = RowAdam(torch.ones(V, D, dtype=dtype), weight_decay=0.5, padding_idx=0)
    train_rows(updater, [[2]] * 20, [0.1] * 20)
    assert (updater.table[0] == 1).all()
    torch.testing.assert_close(updater.table[3:], torch.full((V - 3, D), 0.95**20, dtype=dtype))


def test_lazy_is_sparse_adam():
    # SparseAdam adds eps where Adam does not: here it is too small to tell.
    batches, rates = fixed_batches(200), cosine(200)
    found = train_rows(RowAdam(start_rows(), mode="lazy", eps=1e-14), batches, rates)
    table = start_rows().requires_grad_()
    optimizer = torch.optim.SparseAdam([table], lr=1.0, eps=1e-14)
    for step, (rows, lr) in enumerate(zip(batches, rates, strict=True)):
        table.grad = torch.sparse_coo_tensor(
            torch.tensor([rows]), gradients(len(rows), 0, step), (V, D), check_invariants=True
        )
        optimizer.param_groups[0]["lr"] = lr
        optimizer.step()
    assert deviation(found, table.detach()) < 1e-9


def test_lazy_sgd_keeps_the_momentum_of_absent_rows():
    updater = RowSGD(torch.zeros(V, D), momentum=0.5, mode="lazy")
    grads = torch.ones(1, D)
    updater.step(torch.tensor([1]), grads, lr=1.0)
    for _ in range(5):
        updater.step(torch.tensor([2]), grads, lr=1.0)
    assert (updater.read(torch.tensor([1])) == -1).all()
    updater.step(torch.tensor([1]), grads, lr=1.0)
    assert (updater.read(torch.tensor([1])) == -1 - 1.5).all()


def test_lazy_decays_absent_rows_all_the_same():
    updater = RowAdam(torch.ones(V, D), weight_decay=0.5, mode="lazy")
    train_rows(updater, [[0]] * 7, [0.1] * 7)
    torch.testing.assert_close(updater.table[1:], torch.full((V - 1, D), 0.95**7))


@pytest.mark.parametrize("mode", ["exact", "lazy"])
@every_rule
def test_loops_and_tensors_agree_to_rounding(rule, mode):
    make, options, *_ = RULES[rule]
    batches, rates = fixed_batches(150), cosine(150)
    loops, tensors = (train_rows(make(start_rows().to(d), mode=mode, **options), batches, rates) for d in DTYPES)
    assert deviation(loops, tensors) < 3e-5


@every_dtype
@every_rule
def test_reading_changes_nothing_and_catching_up_only_rounding(rule, dtype):
    make, options, *_ = RULES[rule]
    batches, rates = fixed_batches(60), cosine(60)
    plain, read = (make(start_rows().to(dtype), **options) for _ in range(2))
    for step, (batch, lr) in enumerate(zip(batches, rates, strict=True)):
        rows = torch.tensor(batch)
        grads = gradients(len(rows), 0, step).to(dtype)
        plain.step(rows, grads, lr=lr)
        everything = read.read(torch.arange(V))
        assert torch.equal(everything[rows], read.read(rows))
        read.step(rows, grads, lr=lr)
    assert torch.equal(plain.table, read.table)
    everything = plain.read(torch.arange(V))
    plain.flush()
    torch.testing.assert_close(plain.table, everything, rtol=0, atol=0)
    caught = train_rows(make(start_rows().to(dtype), **options), batches, rates, in_place=True)
    torch.testing.assert_close(caught, plain.table.double(), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_half_precision_tables_have_float32_moments(dtype):
    batches, rates = fixed_batches(40), [0.05] * 40
    expected = train_dense(torch.optim.Adam, {}, batches, rates)
    updater = RowAdam(start_rows().to(dtype))
    found = train_rows(updater, batches, rates)
    assert updater.state_dict()["moments"].dtype == torch.float32
    assert deviation(found, expected) < (0.1 if dtype == torch.bfloat16 else 0.01)


@every_dtype
@every_rule
@pytest.mark.parametrize("taken", [0, 1, 9, 30])
def test_a_state_continues_bit_for_bit(rule, dtype, taken):
    make, options, *_ = RULES[rule]
    batches, rates = fixed_batches(31), cosine(31)
    first = make(start_rows().to(dtype), **options)
    train_rows(first, batches[:taken], rates[:taken])
    state = first.state_dict()
    second = make(first.table.clone(), **options)
    second.load_state_dict(state)
    assert second.steps == taken
    for updater in (first, second):
        train_rows(updater, batches[taken:], rates[taken:])
    assert torch.equal(first.table, second.table)
    assert torch.equal(first.state_dict()["moments"], second.state_dict()["moments"])


def test_state_is_for_rows_that_occur():
    table = torch.from_numpy(np.zeros((1_000_000, 8), dtype=np.float32))
    updater = RowAdam(table)
    rows = torch.arange(0, 1_000_000, 1000)
    for part in rows.split(100):
        updater.step(part, torch.ones(len(part), 8))
    assert updater.num_rows_with_state == 1000
    assert updater.state_bytes <= 2 * 1001 * 2 * 8 * 4
    updater.flush()
    assert updater.num_rows_with_state == 1000
    assert (table[rows] != 0).all()
    assert int((table != 0).any(dim=1).sum()) == 1000


def test_rules_without_moments_have_no_state():
    updater = RowSGD(torch.zeros(V, D))
    updater.step(torch.arange(5), torch.ones(5, D))
    assert updater.num_rows_with_state == updater.state_bytes == 0


def test_the_history_is_bounded():
    updater = RowSGD(torch.zeros(4, 2), momentum=0.5)
    updater.step(torch.tensor([1]), torch.ones(1, 2), lr=1.0)
    nothing, no_grads = torch.empty(0, dtype=torch.int64), torch.empty(0, 2)
    for _ in range(LONGEST_HISTORY + 10):
        updater.step(nothing, no_grads, lr=1.0)
    assert updater.steps == LONGEST_HISTORY + 11
    # Brought up to date on the way, without anyone asking.
    torch.testing.assert_close(updater.table[1], torch.tensor([-2.0, -2.0]))


def test_a_decay_of_the_whole_way_leaves_nothing():
    updater = RowSGD(torch.ones(4, 2), weight_decay=100.0)
    for lr in (0.1, 1.0, 0.001):
        updater.step(torch.tensor([1]), torch.zeros(1, 2), lr=lr)
    updater.flush()
    assert not updater.table.any()


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"betas": (0.9, 0.9)}, "exact mode needs betas with beta1 < beta2, .*mode='lazy'.*found \\(0.9, 0.9\\)"),
        ({"betas": (0.9, 1.0)}, "betas must be two numbers from 0 to below 1, found"),
        ({"eps": 0.0}, "eps must be a finite number of at least 1e-15, found 0.0"),
        ({"lr": -1.0}, "lr must be a finite number of at least 0, found -1.0"),
        ({"weight_decay": math.nan}, "weight_decay must be a finite number .* found nan"),
        ({"mode": "dense"}, "mode must be one of exact, lazy, found 'dense'"),
        ({"padding_idx": V}, f"padding_idx must be None or from 0 to {V - 1}, found {V}"),
        ({"anchor_strength": 1.0}, "no anchor"),
        ({"anchor": torch.zeros(V, D), "anchor_strength": 1.0, "weight_decay": 1.0}, "not both"),
        (
            {"anchor": torch.zeros(V, 2)},
            "must be like the table, torch.float32 \\(24, 5\\) on cpu; found .*\\(24, 2\\)",
        ),
        ({"anchor": torch.zeros(D, V).T}, "must be contiguous"),
        (
            {"anchor": torch.zeros(V, D), "anchored_rows": torch.ones(V)},
            f"anchored_rows must be bool of shape \\({V},\\), found torch.float32",
        ),
    ],
)
def test_options_that_cannot_be(options, text):
    with pytest.raises(InputError, match=text):
        RowAdam(torch.zeros(V, D), **options)


@pytest.mark.parametrize("table", [torch.zeros(V), torch.zeros(V, D).T, torch.zeros(V, D, dtype=torch.int64)], ids=str)
def test_tables_that_cannot_be(table):
    with pytest.raises(InputError, match=r"contiguous floating tensor of shape \(V, D\), found torch"):
        RowAdam(table)


@pytest.mark.parametrize(
    ("momentum", "nesterov", "text"),
    [(1.0, False, "momentum must be from 0 to below 1, found 1.0"), (0.0, True, "nesterov needs a momentum above 0")],
)
def test_momentum_that_cannot_be(momentum, nesterov, text):
    with pytest.raises(InputError, match=text):
        SgdRule(momentum=momentum, nesterov=nesterov)


@every_dtype
@pytest.mark.parametrize(
    ("rows", "num_grads", "text"),
    [
        ([1, V], 2, f"Rows must be from 0 to {V - 1}, found {V} at position 1"),
        ([-1], 1, "found -1 at position 0"),
        ([3, 2, 3], 3, "once in a step; row 3 occurs again at position 2"),
        ([1, 2], 3, r"shape \(rows, dimensions\) = \(2, 5\), found \(3, 5\)"),
    ],
)
def test_rows_that_cannot_be_change_nothing(dtype, rows, num_grads, text):
    updater, same = (RowAdam(start_rows().to(dtype)) for _ in range(2))
    for each in (updater, same):
        each.step(torch.tensor([2, 3]), torch.ones(2, D))
        each.step(torch.tensor([1]), torch.ones(1, D))
    before = updater.table.clone()
    with pytest.raises(InputError, match=text):
        updater.step(torch.tensor(rows), torch.ones(num_grads, D))
    assert torch.equal(updater.table, before)
    assert updater.steps == 2
    for each in (updater, same):
        each.step(torch.tensor([2, 3]), torch.ones(2, D))
    assert torch.equal(updater.table, same.table)


def test_rows_of_another_dtype():
    with pytest.raises(InputError, match=r"rows must be int64 of shape \(rows,\), found torch.int32 \(2,\)"):
        RowAdam(torch.zeros(V, D)).read(torch.tensor([1, 2], dtype=torch.int32))


def test_states_of_something_else():
    updater = RowAdam(torch.zeros(V, D))
    updater.step(torch.tensor([V - 1]), torch.ones(1, D))
    state = updater.state_dict()
    with pytest.raises(InputError, match="lacks moments, steps"):
        updater.load_state_dict({"rows": state["rows"]})
    with pytest.raises(InputError, match=r"moments of shape \(1, 2, 5\), expected .*'sgd'.* = \(1, 0, 5\)"):
        RowSGD(torch.zeros(V, D)).load_state_dict(state)
    with pytest.raises(InputError, match=f"holds row {V - 1}; the table has 3 rows"):
        RowAdam(torch.zeros(3, D)).load_state_dict(state)


def test_a_rule_can_be_given_as_a_value():
    updater = RowUpdater(torch.zeros(V, D), AdamRule(), lr=0.1)
    updater.step(torch.tensor([1]), torch.ones(1, D))
    torch.testing.assert_close(updater.table[1], torch.full((D,), -0.1))


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs CUDA")
@every_rule
def test_cuda_agrees_to_rounding(rule):
    make, options, *_ = RULES[rule]
    batches, rates = fixed_batches(100), cosine(100)
    updater = make(start_rows().to("cuda", torch.float32), **options)
    for step, (batch, lr) in enumerate(zip(batches, rates, strict=True)):
        rows = torch.tensor(batch, device="cuda")
        updater.step(rows, gradients(len(rows), 0, step).to("cuda", torch.float32), lr=lr)
    updater.flush()
    expected = train_rows(make(start_rows(), **options), batches, rates)
    assert deviation(updater.table.double().cpu(), expected) < 3e-5


# Tables side by side in one


SIDE_BY_SIDE = {
    "adam": (RowAdam, {}),
    "sgd, nesterov": (RowSGD, {"momentum": 0.8, "nesterov": True}),
    "sgd": (RowSGD, {}),
    "adagrad": (RowAdagrad, {}),
}
TABLE_RATES = (1e-3, 3e-2, 1e-2)


def side_by_side(updater, options, dtype):
    tables = [start_rows(seed).to(dtype) for seed in range(3)]
    return updater(torch.cat(tables, dim=1), lr=1.0, part_rates=torch.tensor(TABLE_RATES), **options)


def step_both(joined, alone, step):
    rows = torch.randperm(V, generator=torch_generator(0, "rows", step))[:6]
    drawn = [gradients(6, seed, step).to(joined.table.dtype) for seed in range(len(alone))]
    joined.step(rows, torch.cat(drawn, dim=1))
    for updater, gradient in zip(alone, drawn, strict=True):
        updater.step(rows, gradient)


@every_dtype
@pytest.mark.parametrize(("updater", "options"), SIDE_BY_SIDE.values(), ids=SIDE_BY_SIDE)
@pytest.mark.parametrize("decay", ["no decay", "weight decay", "anchor"])
def test_parts_with_rates_of_their_own_are_tables_of_their_own(updater, options, decay, dtype):
    shared, own = {}, [{}] * 3
    if decay == "weight decay":
        shared, own = {"weight_decay": 0.7}, [{"weight_decay": 0.7}] * 3
    elif decay == "anchor":
        shared = {"anchor": start_rows(9).to(dtype), "anchored_rows": torch.arange(V) % 3 > 0}
        own = [{**shared, "anchor_strength": strength} for strength in (5.0, 0.0, 20.0)]
        shared = {**shared, "anchor_strength": torch.tensor([5.0, 0.0, 20.0])}
    joined = side_by_side(updater, {**options, **shared}, dtype)
    alone = [
        updater(start_rows(seed).to(dtype), lr=rate, **options, **more)
        for seed, rate, more in zip(range(3), TABLE_RATES, own, strict=True)
    ]
    for step in range(30):
        step_both(joined, alone, step)
    # Two stay, in another order; what rows have missed by then is remembered.
    joined.keep_parts(torch.tensor([2, 0]))
    alone = [alone[2], alone[0]]
    rows = torch.arange(V)
    torch.testing.assert_close(joined.read(rows), torch.cat([each.read(rows) for each in alone], dim=1))
    for step in range(30, 60):
        step_both(joined, alone, step)
    for each in (joined, *alone):
        each.flush()
    torch.testing.assert_close(joined.table, torch.cat([each.table for each in alone], dim=1), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"part_rates": torch.ones(2)}, r"of equal width side by side in 5 columns; found \(2,\)"),
        ({"part_rates": torch.ones(1, D)}, r"of shape \(G,\), .* found \(1, 5\)"),
        ({"part_rates": torch.tensor([1.0, -1.0, 1.0, 1.0, 1.0])}, "part_rates must be finite numbers of at least 0"),
        ({"anchor_strength": torch.ones(2)}, "one number, or one for each of 1 parts; found 2"),
        ({"anchor_strength": torch.tensor([torch.nan])}, "anchor_strength must be finite"),
        ({"part_rates": torch.ones(D), "anchor_strength": 0.1, "anchor": torch.zeros(V, D)}, r"\(24, 1\).* found"),
    ],
)
def test_parts_that_do_not_fit_are_refused(options, text):
    with pytest.raises(InputError, match=text):
        RowAdam(torch.zeros(V, D), **options)
