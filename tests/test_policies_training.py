"""What each policy does to the rows, under every optimiser, held against plain PyTorch and hand-written loops.

One small problem serves all: 40 rows of 8 dimensions. Row 0 is the pad row, rows 1 to 7 have no pretrained vector,
rows 30 to 39 (and row 7) never occur in training.
"""

import copy
import io

import pytest
import torch
from torch import nn
from torch.nn import functional
from torch.optim import SGD, Adagrad, Adam, AdamW, RMSprop

from meltpoint.embedding import (
    POLICIES,
    Anchored,
    Decayed,
    FineTuned,
    Frozen,
    PretrainedEmbedding,
    Scaled,
    Scratch,
    make_policy,
)
from meltpoint.models import AverageClassifier
from meltpoint.randomness import torch_seeded

V, D, C, NUM_STEPS = 40, 8, 3, 100
UNSEEN = [7, *range(30, V)]
SEEN = [row for row in range(1, V) if row not in UNSEEN]
LR = 1e-2

OPTIMIZERS = {
    "Adam": (Adam, {}),
    "Adam fused": (Adam, {"fused": True}),
    "AdamW": (AdamW, {}),  # decays by 0.01 unless told otherwise
    "AdamW fused": (AdamW, {"fused": True, "weight_decay": 0.0}),
    "AdamW strong decay": (AdamW, {"weight_decay": 0.5}),
    "SGD momentum": (SGD, {"momentum": 0.9, "weight_decay": 1e-3}),
    "Adagrad": (Adagrad, {}),
    "RMSprop": (RMSprop, {"momentum": 0.5}),
}
every_optimizer = pytest.mark.parametrize("optimizer", OPTIMIZERS)
every_policy = pytest.mark.parametrize("policy", POLICIES)
# Policies that train something other than the rows: the weight stands still, what the model reads does not.
ADAPTED = ("partial", "two-channel", "low-rank", "projected")


def policy_named(name):
    return make_policy(name, **({"thaw_step": 5} if name == "gradual" else {}))


def start_rows():
    """Rows of the size of GloVe's: about 0.4 a number."""
    with torch_seeded(0, "rows"):
        rows = torch.randn(V, D) * 0.4
    rows[0] = 0
    return rows


def batches(num_steps=NUM_STEPS):
    with torch_seeded(0, "batches"):
        for _ in range(num_steps):
            ids = torch.tensor(SEEN)[torch.randint(len(SEEN), (16, 6))]
            ids[torch.arange(6) >= torch.randint(1, 7, (16, 1))] = 0
            yield ids, torch.randint(C, (16,))


def head_over(embedding):
    with torch_seeded(0, "head"):
        return AverageClassifier(embedding, C, depth=0)


def policy_model():
    known = torch.arange(V) >= 8
    return head_over(PretrainedEmbedding(start_rows(), known))


def plain_model(*, freeze=False):
    return head_over(nn.Embedding.from_pretrained(start_rows(), freeze=freeze, padding_idx=0))


def train(model, optimizer, steps=None, *, set_to_none=True, after_step=None):
    for ids, labels in batches() if steps is None else steps:
        optimizer.zero_grad(set_to_none=set_to_none)
        functional.cross_entropy(model(ids), labels).backward()
        optimizer.step()
        if after_step is not None:
            after_step()
    return model


def make(policy, optimizer="Adam", model=None, **more):
    model = policy_model() if model is None else model
    optimizer_class, options = OPTIMIZERS[optimizer]
    return model, policy.optimizer(model, optimizer_class, lr=LR, **{**options, **more})


def trained(policy, optimizer="Adam"):
    return train(*make(policy, optimizer))


def bits(tensor):
    return tensor.detach().view(torch.int32)


def same_bits(one, other):
    return torch.equal(bits(one), bits(other))


def assert_same_models(model, reference, atol=1e-6):
    for (name, found), (_, expected) in zip(model.named_parameters(), reference.named_parameters(), strict=True):
        torch.testing.assert_close(found, expected, rtol=0, atol=atol, msg=lambda text, name=name: f"{name}: {text}")


# The textbook's three


def test_frozen_is_from_pretrained_freeze():
    reference = plain_model(freeze=True)
    train(reference, Adam([p for p in reference.parameters() if p.requires_grad], lr=LR))
    model = trained(Frozen())
    assert_same_models(model, reference)
    assert same_bits(model.embedding.weight, start_rows())


@pytest.mark.parametrize("multiplier", [0.03, 0.1, 3.0])
def test_scaled_is_two_parameter_groups(multiplier):
    reference = plain_model()
    groups = [
        {"params": reference.output.parameters()},
        {"params": reference.embedding.parameters(), "lr": LR * multiplier},
    ]
    train(reference, Adam(groups, lr=LR))
    assert_same_models(trained(Scaled(learning_rate_multiplier=multiplier)), reference)


@pytest.mark.parametrize("optimizer", ["Adam", "AdamW", "AdamW strong decay", "AdamW fused"])
def test_decayed_is_adam_with_weight_decay(optimizer):
    reference = plain_model()
    train(reference, Adam(reference.parameters(), lr=LR, weight_decay=1e-5))
    model, made = make(Decayed(weight_decay=1e-5), optimizer)
    assert type(made) is Adam
    assert_same_models(train(model, made), reference)


@every_optimizer
def test_fine_tuned_is_the_plain_optimizer(optimizer):
    reference = plain_model()
    optimizer_class, options = OPTIMIZERS[optimizer]
    train(reference, optimizer_class(reference.parameters(), lr=LR, **options))
    assert_same_models(trained(FineTuned(), optimizer), reference)


@pytest.mark.parametrize("optimizer", ["SGD momentum", "RMSprop", "Adagrad"])
def test_decayed_is_the_weight_decay_of_other_optimizers(optimizer):
    reference = plain_model()
    optimizer_class, options = OPTIMIZERS[optimizer]
    train(reference, optimizer_class(reference.parameters(), lr=LR, **{**options, "weight_decay": 1e-2}))
    assert_same_models(trained(Decayed(weight_decay=1e-2), optimizer), reference)


# Effective: what must move moves, what must not does not, under every optimiser


@every_policy
@every_optimizer
def test_policy_is_effective(policy, optimizer):
    model, made = make(policy_named(policy), optimizer)
    before = model.embedding.table().clone()
    moves = policy != "frozen"
    assert model.embedding.weight.requires_grad == (moves and policy not in ("gradual", *ADAPTED))
    train(model, made)
    after = model.embedding.table()
    moved = (after != before).any(dim=1)
    should_move = [row for row in SEEN if row < 8] if policy == "partial" else SEEN
    assert moved[should_move].all() if moves else not moved.any()
    assert not after[0].any()
    assert not model.embedding.pretrained[0].any()
    assert (model.output.weight != policy_model().output.weight).any()


@every_optimizer
def test_frozen_keeps_every_bit_though_a_gradient_lingers(optimizer):
    model = policy_model()
    model(torch.tensor([[8, 9, 31]])).sum().backward()
    assert model.embedding.weight.grad.any()
    model, made = make(Frozen(), optimizer, model)
    train(model, made, set_to_none=False)
    assert same_bits(model.embedding.weight, start_rows())
    assert model.embedding.weight.grad is None


def test_a_thawed_embedding_moves():
    model, made = make(Frozen())
    train(model, made)
    model, made = make(FineTuned(), model=model)
    train(model, made)
    assert not torch.equal(model.embedding.weight[SEEN], start_rows()[SEEN])


@every_optimizer
def test_anchored_keeps_the_bits_of_rows_never_seen(optimizer):
    model = trained(Anchored(strength=1.0), optimizer)
    assert same_bits(model.embedding.weight[UNSEEN], start_rows()[UNSEEN])


@every_optimizer
def test_anchored_is_l2sp_by_hand(optimizer):
    strength, multiplier = 5.0, 0.3
    reference, optimizer_class, options = plain_model(), *OPTIMIZERS[optimizer]
    table, start = reference.embedding.weight, start_rows()
    own = {"params": [table], "lr": LR * multiplier, "weight_decay": 0.0}
    by_hand = optimizer_class([{"params": reference.output.parameters()}, own], lr=LR, **options)

    @torch.no_grad()
    def pull():
        for row in range(8, V):
            table[row] += LR * multiplier * strength * (start[row] - table[row])

    train(reference, by_hand, after_step=pull)
    model = trained(Anchored(learning_rate_multiplier=multiplier, strength=strength), optimizer)
    assert_same_models(model, reference)
    free = trained(Scaled(learning_rate_multiplier=multiplier), optimizer).embedding.weight
    known = [row for row in SEEN if row >= 8]
    assert torch.dist(model.embedding.weight[known], start[known]) < torch.dist(free[known], start[known])


def test_the_pull_is_at_most_the_whole_way():
    model = trained(Anchored(strength=1e9))
    known = slice(8, None)
    assert torch.equal(model.embedding.weight[known], start_rows()[known])
    assert not torch.equal(model.embedding.weight[1:7], start_rows()[1:7])


# The traps, as numbers


@pytest.mark.parametrize("weight_decay", [1e-6, 1e-5, 1e-4])
def test_decayed_shrinks_rows_never_seen(weight_decay):
    rows = start_rows()[UNSEEN]
    model, made = make(Decayed(weight_decay=weight_decay))
    train(model, made, batches(1))
    step = (model.embedding.weight.detach()[UNSEEN] - rows).div(LR)
    # Divided by its own size, the decay alone is a whole step, however small its coefficient.
    assert torch.equal(step.sign(), -rows.sign())
    assert step.abs().median() > 0.95
    model, made = make(Decayed(weight_decay=weight_decay))
    train(model, made)
    left = model.embedding.weight.detach()[UNSEEN].norm() / rows.norm()
    # 100 steps at 0.01: 0.156 of the norm is left at 1e-6, 0.151 at 1e-4. (1,000 steps at 0.001: 0.18.)
    assert left.item() == pytest.approx(0.153, abs=0.01)


def test_decoupled_decay_shrinks_rows_never_seen_by_its_own_rate():
    rows = start_rows()[UNSEEN]
    shrunk = trained(FineTuned(), "AdamW").embedding.weight.detach()[UNSEEN]
    torch.testing.assert_close(shrunk, rows * (1 - LR * 0.01) ** NUM_STEPS)


def test_scaled_takes_a_tenth_of_the_first_step():
    full, tenth = (
        train(*make(policy), batches(1)).embedding.weight.detach() - start_rows()
        for policy in (FineTuned(), Scaled(learning_rate_multiplier=0.1))
    )
    assert full.abs().max() == pytest.approx(LR, rel=1e-3)
    torch.testing.assert_close(tenth, 0.1 * full, rtol=0, atol=1e-7)


# Scratch


def test_scratch_forgets_the_rows_and_keeps_their_scale():
    with torch_seeded(0, "rows"):
        model = head_over(PretrainedEmbedding(torch.randn(4000, D) * 0.4, torch.ones(4000, dtype=torch.bool)))
    before = model.embedding.weight.detach().clone()
    Scratch().optimizer(model, Adam, lr=LR)
    after = model.embedding.weight.detach()
    assert not model.embedding.is_pretrained.any()
    assert torch.equal(model.embedding.pretrained, after)
    assert after.std().item() == pytest.approx(before.std().item(), rel=0.02)
    assert abs(torch.corrcoef(torch.stack([before.flatten(), after.flatten()]))[0, 1]) < 0.03


def test_scratch_is_decided_by_its_seed():
    first, second, other = (make(Scratch(), seed=seed)[0].embedding.weight for seed in (1, 1, 2))
    assert same_bits(first, second)
    assert not torch.equal(first, other)
    assert make(Scratch(), seed=1)[1].param_groups[-1]["params"][0].requires_grad


# Resume


@pytest.mark.parametrize("taken", [0, 1, 7, 19])
@pytest.mark.parametrize("optimizer", ["Adam", "AdamW", "AdamW fused", "SGD momentum"])
@every_policy
def test_resumed_training_gives_the_same_bits(policy, optimizer, taken):
    steps = list(batches(20))
    straight, made = make(policy_named(policy), optimizer, seed=5)
    train(straight, made, steps)

    model, made = make(policy_named(policy), optimizer, seed=5)
    train(model, made, steps[:taken])
    saved = io.BytesIO()
    torch.save({"model": model.state_dict(), "optimizer": made.state_dict()}, saved)
    saved.seek(0)
    checkpoint = torch.load(saved, weights_only=True)
    resumed, made = make(policy_named(policy), optimizer, seed=5)
    resumed.load_state_dict(checkpoint["model"])
    made.load_state_dict(checkpoint["optimizer"])
    assert resumed.embedding.weight.requires_grad == (
        taken >= 5 if policy == "gradual" else policy not in ("frozen", *ADAPTED)
    )
    train(resumed, made, steps[taken:])
    for found, expected in zip(resumed.parameters(), straight.parameters(), strict=True):
        assert same_bits(found, expected)


# Schedules, shared weights


def test_the_pull_follows_the_learning_rate():
    model = policy_model()
    optimizer = Anchored(strength=10.0).optimizer(model, SGD, lr=LR)
    schedule = torch.optim.lr_scheduler.ExponentialLR(optimizer, gamma=0.5)
    with torch.no_grad():
        model.embedding.weight.add_(1)
    distance = 1.0
    for step in range(4):
        (0 * model(torch.tensor([[8, 9]]))).sum().backward()
        optimizer.step()
        distance *= 1 - LR * 0.5**step * 10.0
        gap = model.embedding.weight.detach() - model.embedding.pretrained
        torch.testing.assert_close(gap[8:], torch.full((V - 8, D), distance), rtol=0, atol=1e-6)
        schedule.step()
    torch.testing.assert_close(gap[1:8], torch.ones(7, D), rtol=0, atol=1e-6)


@every_policy
def test_a_learning_rate_of_zero_stops_everything(policy):
    model, optimizer = make(policy_named(policy))
    torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: 0.0)
    before = copy.deepcopy(list(model.parameters()))
    train(model, optimizer, batches(3))
    assert all(torch.equal(one, other) for one, other in zip(model.parameters(), before, strict=True))


class TiedTagger(nn.Module):
    """Predicts words, with the embedding as output layer."""

    def __init__(self, embedding):
        super().__init__()
        self.embedding = embedding
        self.inner = nn.Linear(D, D)
        self.output = nn.Linear(D, V, bias=False)
        self.output.weight = embedding.weight

    def forward(self, ids):
        return self.output(self.inner(self.embedding(ids).mean(dim=1)))


@every_policy
def test_tied_weights_are_one_parameter_of_the_policy(policy):
    with torch_seeded(0, "head"):
        model = TiedTagger(PretrainedEmbedding(start_rows(), torch.arange(V) >= 8))
    model, optimizer = make(policy_named(policy), "AdamW", model)
    sizes = {group["name"]: len(group["params"]) for group in optimizer.param_groups}
    own = {"frozen": {}, "low-rank": {"embedding": 2}}.get(policy, {"embedding": 1})
    assert sizes == {"other": 2, **own}
    train(model, optimizer, batches(10))
    assert model.output.weight is model.embedding.weight
    assert same_bits(model.embedding.weight, start_rows()) == (policy in ("frozen", *ADAPTED))


def test_embeddings_that_share_a_weight_are_pulled_once():
    single, twin = policy_model(), policy_model()
    twin.second = copy.deepcopy(twin.embedding)
    twin.second.weight = twin.embedding.weight
    trained = [train(*make(Anchored(strength=10.0), model=model)) for model in (single, twin)]
    assert same_bits(trained[0].embedding.weight, trained[1].embedding.weight)


def test_two_embeddings_are_both_kept_by_the_policy():
    model = policy_model()
    model.second = PretrainedEmbedding(start_rows()[:20], torch.ones(20, dtype=torch.bool))
    _, optimizer = make(Scaled(), model=model)
    assert [len(group["params"]) for group in optimizer.param_groups] == [2, 2]
    make(Frozen(), model=model)
    assert not model.second.weight.requires_grad
    assert not model.embedding.weight.requires_grad
