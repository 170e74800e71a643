"""The tables of members: rows moved one by one against whole tables moved at each step, and tables that stand still."""

import pytest
import torch

from meltpoint.embedding import AdamUpdate, PretrainedEmbedding, make_policy
from meltpoint.randomness import torch_seeded
from meltpoint.trial.joining import stack_padded
from meltpoint.trial.member_rows import AdaptedRows, DecayingRows, FixedRows, member_rows
from meltpoint.trial.moving_rows import MovingRows

CPU = torch.device("cpu")
V, D, K = 30, 6, 3
# What the row updater states of itself: rms of its deviation from the dense optimiser, as a share of the movement.
STATED_DEVIATION = 1.3e-4
RATES = (1e-3, 1e-2, 3e-2)


def embeddings(count=K):
    with torch_seeded(0, "tables"):
        known = torch.arange(V) >= 5
        return [PretrainedEmbedding(torch.randn(V, D) * 0.4, known) for _ in range(count)]


def updates(**more):
    return [AdamUpdate(row_learning_rate=rate, **more) for rate in RATES]


def batches(num_steps, *, own_rows=False):
    """For each step, the rows of each member and the gradients of what they gather."""
    with torch_seeded(0, "batches"):
        for _ in range(num_steps):
            sizes = torch.randint(2, 9, (K,)) if own_rows else torch.full((K,), 6)
            rows = [torch.randperm(20)[:size] for size in sizes.tolist()] if own_rows else [torch.randperm(20)[:6]] * K
            yield rows, torch.randn(K, int(sizes.max()), D) * 10.0 ** torch.randint(-3, 1, ()).item()


def trained(tables, num_steps=60, **more):
    for rows, gradients in batches(num_steps, **more):
        gathered = tables.gather(rows)
        assert gathered.shape == gradients.shape
        assert gathered.requires_grad
        tables.step(rows, gradients)
    tables.settle()
    return torch.stack([tables.table(member) for member in range(K)])


@pytest.mark.parametrize("own_rows", [False, True])
def test_moving_rows_are_the_whole_table_moved(own_rows):
    start = torch.stack([embedding.weight.detach() for embedding in embeddings()])
    rowwise = trained(MovingRows(embeddings(), updates(), CPU), own_rows=own_rows) - start
    dense = trained(DecayingRows(embeddings(), updates(), CPU), own_rows=own_rows) - start
    for one, other in zip(rowwise, dense, strict=True):
        assert (one - other).square().mean().sqrt() <= STATED_DEVIATION * other.square().mean().sqrt()
    assert not rowwise[:, 20:].any()


def test_gathered_rows_are_what_the_whole_table_would_hold():
    rowwise, dense = MovingRows(embeddings(), updates(), CPU), DecayingRows(embeddings(), updates(), CPU)
    for rows, gradients in batches(40):
        torch.testing.assert_close(rowwise.gather(rows), dense.gather(rows), rtol=0, atol=1e-4)
        rowwise.step(rows, gradients)
        dense.step(rows, gradients)


def test_decaying_rows_are_adam_with_weight_decay():
    decays = (1e-6, 1e-4, 1e-2)
    moves = [AdamUpdate(row_learning_rate=rate, coupled_decay=decay) for rate, decay in zip(RATES, decays, strict=True)]
    found = trained(DecayingRows(embeddings(), moves, CPU), own_rows=True)
    for member, embedding in enumerate(embeddings()):
        adam = torch.optim.Adam([embedding.weight], lr=RATES[member], weight_decay=decays[member])
        for rows, gradients in batches(60, own_rows=True):
            embedding.weight.grad = torch.zeros(V, D)
            embedding.weight.grad[rows[member]] = gradients[member, : len(rows[member])]
            adam.step()
        torch.testing.assert_close(found[member], embedding.weight.detach(), rtol=0, atol=1e-2 * RATES[member])
        assert (found[member, 20:].abs() < embeddings()[member].weight[20:].abs()).all()


def test_the_anchor_pulls_pretrained_rows():
    strong = trained(MovingRows(embeddings(), updates(anchor_strength=30.0), CPU))
    free = trained(MovingRows(embeddings(), updates(), CPU))
    start = torch.stack([embedding.weight.detach() for embedding in embeddings()])
    torch.testing.assert_close(strong[:, :5], free[:, :5], rtol=0, atol=1e-6)
    assert ((strong - start)[1:, 5:20].norm(dim=(1, 2)) < 0.5 * (free - start)[1:, 5:20].norm(dim=(1, 2))).all()
    assert torch.equal(strong[:, 20:], start[:, 20:])


@pytest.mark.parametrize("kind", [MovingRows, DecayingRows])
def test_the_tables_are_the_members_own(kind):
    (start, *_) = embeddings()
    before = start.weight.detach().clone()
    tables = kind([start] * K, updates(), CPU)
    first, second, third = trained(tables)
    assert torch.equal(start.weight, before)
    assert torch.equal(start.pretrained, before)
    assert not torch.equal(first, second)
    (copied,) = tables.remember(2)
    tables.table(2).zero_()
    assert torch.equal(copied, third)


@pytest.mark.parametrize("kind", [MovingRows, DecayingRows])
def test_members_that_leave_change_nothing_for_the_others(kind):
    all_stay, some_leave = (kind(embeddings(), updates(), CPU) for _ in range(2))
    kept = [2, 0]
    for number, (rows, gradients) in enumerate(batches(30, own_rows=True)):
        all_stay.gather(rows)
        all_stay.step(rows, gradients)
        if number == 12:
            some_leave.keep(kept)
        whose = kept if number >= 12 else [0, 1, 2]
        some_leave.gather([rows[member] for member in whose])
        some_leave.step([rows[member] for member in whose], gradients[whose])
    for tables in (all_stay, some_leave):
        tables.settle()
    for place, member in enumerate(kept):
        assert torch.equal(some_leave.table(place), all_stay.table(member))


def test_members_that_start_from_one_table_move_as_if_each_had_its_own():
    (start, *_) = embeddings()
    joined, apart = MovingRows([start] * K, updates(), CPU), [MovingRows([start], [one], CPU) for one in updates()]
    members = [0, 1, 2]
    for number, (rows, gradients) in enumerate(batches(45)):
        if number == 15:
            joined.keep([2, 0])
            members = [2, 0]
        if number == 30:
            joined.keep([1])
            members = [0]
        own = [rows[member] for member in members]
        expected = stack_padded([apart[member].gather([rows[member]])[0] for member in members])
        torch.testing.assert_close(joined.gather(own), expected, rtol=0, atol=1e-6)
        joined.step(own, gradients[members])
        for member in members:
            apart[member].step([rows[member]], gradients[member : member + 1])
    joined.settle()
    apart[0].settle()
    torch.testing.assert_close(joined.table(0), apart[0].table(0), rtol=0, atol=1e-6)


def test_members_that_move_otherwise_stand_apart():
    first, second, _ = embeddings()
    starts = [first, second, first, first, first]
    rates = (1e-3, 1e-2, 3e-2, 1e-2, 1e-3)
    moves = [AdamUpdate(row_learning_rate=rate, thaw_step=3 * (n == 3)) for n, rate in enumerate(rates)]
    may_move = torch.arange(V) % 3 == 0
    moving = [None, None, None, None, may_move]
    joined = MovingRows(starts, moves, CPU, moving_rows=moving)
    apart = [
        MovingRows([start], [move], CPU, moving_rows=[chosen])
        for start, move, chosen in zip(starts, moves, moving, strict=True)
    ]
    with torch_seeded(0, "batches"):
        for _ in range(30):
            of_first, of_second = torch.randperm(20)[:6], torch.randperm(20)[:4]
            rows = [of_second if start is second else of_first for start in starts]
            gradients = torch.randn(5, 6, D)
            gathered = joined.gather(rows)
            for member, own in enumerate(apart):
                expected = own.gather([rows[member]])[0]
                torch.testing.assert_close(gathered[member, : len(expected)], expected, rtol=0, atol=1e-6)
                own.step([rows[member]], gradients[member : member + 1, : len(expected)])
            joined.step(rows, gradients)
    kept = [4, 1, 2]
    joined.keep(kept)
    joined.settle()
    for place, member in enumerate(kept):
        apart[member].settle()
        torch.testing.assert_close(joined.table(place), apart[member].table(0), rtol=0, atol=1e-6)


def test_rows_that_may_not_move_keep_their_bits():
    may_move = torch.arange(V) % 3 == 0
    tables = MovingRows(embeddings(), updates(), CPU, moving_rows=[may_move, None, may_move])
    free = MovingRows(embeddings(), updates(), CPU)
    found, expected = trained(tables), trained(free)
    for member, embedding in enumerate(embeddings()):
        stay = ~may_move if member != 1 else torch.zeros(V, dtype=torch.bool)
        assert torch.equal(found[member, stay], embedding.weight[stay])
        assert torch.equal(found[member, ~stay], expected[member, ~stay])


def test_rows_thaw_at_a_step_of_each_members_own():
    moves = [AdamUpdate(row_learning_rate=rate, thaw_step=step) for rate, step in zip(RATES, (20, 0, 60), strict=True)]
    found = trained(MovingRows(embeddings(), moves, CPU))
    free = trained(MovingRows(embeddings(), updates(), CPU))
    late = MovingRows(embeddings(), updates(), CPU)
    for number, (rows, gradients) in enumerate(batches(60)):
        if number >= 20:
            late.gather(rows)
            late.step(rows, gradients)
    late.settle()
    assert torch.equal(found[0], late.table(0))
    assert torch.equal(found[1], free[1])
    assert torch.equal(found[2], embeddings()[2].weight)


# Tables behind an adaptation


def adapted(name, count=K, **knobs):
    tables = embeddings(count)
    policies = [make_policy(name, **{knob: values[k] for knob, values in knobs.items()}) for k in range(count)]
    own = [policy.new_adaptation(table, 7) for policy, table in zip(policies, tables, strict=True)]
    moves = [policy.adam_update(rate) for policy, rate in zip(policies, RATES, strict=True)]
    return member_rows(tables, moves, CPU, adaptations=own)


@pytest.mark.parametrize("own_rows", [False, True])
@pytest.mark.parametrize(("name", "knobs"), [("low-rank", {"rank": (1, 4, 6)}), ("projected", {})])
def test_adapted_rows_are_those_of_the_embedding_under_adam(name, knobs, own_rows):
    tables = adapted(name, **knobs)
    assert isinstance(tables, AdaptedRows)
    found = trained(tables, own_rows=own_rows)
    for member, embedding in enumerate(embeddings()):
        policy = make_policy(name, **{knob: values[member] for knob, values in knobs.items()})
        policy.start(embedding, 7)
        group = {"params": policy.parameters(embedding), "lr": RATES[member], **policy.embedding_options(RATES[member])}
        adam = torch.optim.Adam([group])
        for rows, gradients in batches(60, own_rows=own_rows):
            adam.zero_grad()
            embedding(rows[member]).backward(gradients[member, : len(rows[member])])
            adam.step()
        torch.testing.assert_close(found[member], embedding.table(), rtol=0, atol=1e-4)
        learned, expected = tables.unseen_map(member), embedding.adaptation.unseen_map()
        assert (learned is None) == (expected is None) == (name == "low-rank")
        if learned is not None:
            torch.testing.assert_close(learned, expected, rtol=0, atol=1e-4)


def test_an_adaptation_is_remembered_and_kept():
    tables = adapted("projected")
    third = trained(tables)[2].clone()
    weights = tables.remember(2)
    trained(tables, 5)
    assert not torch.equal(tables.table(2), third)
    tables.recall(2, weights)
    assert torch.equal(tables.table(2), third)
    tables.keep([2])
    assert torch.equal(tables.table(0), third)
    (rows, gradients) = next(iter(batches(1)))
    tables.gather(rows[:1])
    tables.step(rows[:1], gradients[:1])
    assert not torch.equal(tables.table(0), third)


# Tables that stand still


def test_a_table_that_all_share_is_gathered_once():
    (embedding, other, _) = embeddings()
    tables = FixedRows([embedding] * K, CPU)
    rows = torch.tensor([0, 4, 9])
    shared = tables.gather([rows] * K)
    assert torch.equal(shared, embedding.weight.detach()[None, [0, 4, 9]])
    assert not shared.requires_grad
    assert tables.gather([rows, rows, torch.tensor([7])]).shape == (K, 3, D)
    apart = FixedRows([embedding, other, embedding], CPU).gather([rows] * K)
    assert torch.equal(apart[1], other.weight.detach()[rows])
    assert torch.equal(apart[2], embedding.weight.detach()[rows])


def test_fixed_rows_do_not_move():
    (embedding, *_) = embeddings()
    tables = FixedRows([embedding] * K, CPU)
    tables.step([torch.tensor([1])] * K, None)
    tables.settle()
    assert tables.remember(0) == ()
    tables.recall(0, ())
    assert tables.unseen_map(0) is None
    assert tables.table(0).data_ptr() == embedding.weight.data_ptr()
    tables.keep([1])
    assert tables.gather([torch.tensor([3])]).shape == (1, 1, D)


@pytest.mark.parametrize(
    ("moves", "kind"),
    [
        ([AdamUpdate(row_learning_rate=0.0)] * K, FixedRows),
        (updates(), MovingRows),
        (updates(anchor_strength=0.1), MovingRows),
        (updates(coupled_decay=1e-5), DecayingRows),
    ],
)
def test_the_kind_follows_from_what_the_policies_do(moves, kind):
    assert type(member_rows(embeddings(), moves, CPU)) is kind


# Stacking


def test_the_shorter_are_followed_by_the_value():
    stacked = stack_padded([torch.ones(1, 2), torch.full((2, 1), 2.0)], -1)
    assert stacked.tolist() == [[[1, 1], [-1, -1]], [[2, -1], [2, -1]]]
    assert stack_padded([torch.tensor([1, 2]), torch.tensor([3])]).tolist() == [[1, 2], [3, 0]]
    assert stack_padded([torch.tensor([1, 2])] * 2).dtype == torch.int64
