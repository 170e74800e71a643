"""Every policy under every optimiser of torch.optim that it claims: what moves, what may not, by bits; resume; folding.

One small table serves all: 24 rows of 6 dimensions. Row 0 is the pad row; rows 1 to 5 have no pretrained vector; row 5
and rows 18 to 23 never occur in training.
"""

import copy
import io
import pickle

import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from torch import nn
from torch.nn import functional
from torch.optim import SGD, Adam, AdamW, Optimizer

from meltpoint.embedding import POLICIES, Gradual, PretrainedEmbedding, Scaled, TwoChannel, make_policy
from meltpoint.errors import InputError
from meltpoint.models import AverageClassifier, ConvolutionalClassifier
from meltpoint.randomness import torch_seeded

V, D, C = 24, 6, 3
UNSEEN = [5, *range(18, V)]
SEEN = [row for row in range(1, V) if row not in UNSEEN]
LR, THAW_STEP = 1e-2, 4
KNOBS = {"gradual": {"thaw_step": THAW_STEP}, "partial": {"most_frequent": 3}, "low-rank": {"rank": 2}}
# Row r occurs so often; 3 rows are the most frequent.
COUNTS = torch.tensor([0, 4, 4, 4, 4, 0, 9, 9, 9, *[5] * 9, *[0] * 6])
CHOSEN = [1, 2, 3, 4, 6, 7, 8]

OPTIMIZERS = {
    name: found
    for name, found in vars(torch.optim).items()
    if isinstance(found, type) and issubclass(found, Optimizer) and found is not Optimizer
}
# What the policies say of themselves: these work under no policy, or under 'frozen' or over matrices alone.
REFUSED = {"SparseAdam", "LBFGS", "Muon"}
CLAIMED = sorted(set(OPTIMIZERS) - REFUSED)
# With decay and momentum, as far as the optimiser knows them: what may not move must not even so.
STRESS = {"weight_decay": 0.1, "momentum": 0.9}
PAIRS = [(policy, name) for policy in POLICIES for name in CLAIMED if (policy, name) != ("decayed", "Rprop")]
every_policy = pytest.mark.parametrize("policy", POLICIES)
every_optimizer = pytest.mark.parametrize("optimizer", CLAIMED)


def named(policy):
    return make_policy(policy, **KNOBS.get(policy, {}))


def start_rows():
    with torch_seeded(0, "rows"):
        rows = torch.randn(V, D) * 0.4
    rows[0] = 0
    return rows


def new_model(build=lambda embedding: AverageClassifier(embedding, C, depth=0)):
    embedding = PretrainedEmbedding(start_rows(), torch.arange(V) >= 6, counts=COUNTS)
    with torch_seeded(0, "head"):
        return build(embedding)


def batches(num_steps):
    with torch_seeded(0, "batches"):
        for _ in range(num_steps):
            ids = torch.tensor(SEEN)[torch.randint(len(SEEN), (24, 5))]
            ids[torch.arange(5) >= torch.randint(1, 6, (24, 1))] = 0
            yield ids, torch.randint(C, (24,))


BATCHES = list(batches(16))


def train(model, optimizer, steps):
    for ids, labels in steps:
        optimizer.zero_grad()
        functional.cross_entropy(model(ids), labels).backward()
        optimizer.step()
    return model


def make(policy, optimizer="AdamW", *, stress=True, model=None):
    model = new_model() if model is None else model
    optimizer_class = OPTIMIZERS[optimizer]
    known = optimizer_class.__init__.__code__.co_varnames
    options = {name: value for name, value in STRESS.items() if stress and name in known}
    policy = named(policy) if isinstance(policy, str) else policy
    return model, policy.optimizer(model, optimizer_class, lr=LR, seed=3, **options)


def same_bits(one, other):
    return torch.equal(one.detach().view(torch.int32), other.detach().view(torch.int32))


def test_no_optimizer_of_torch_is_forgotten():
    assert set(OPTIMIZERS) >= REFUSED
    assert len(CLAIMED) >= 12


# What moves, and what may not

# Rows of words that training never meets, under decay and momentum: which policies keep their bits.
KEEPS_UNSEEN = ("frozen", "anchored", "partial", "low-rank")


@pytest.mark.parametrize(("policy", "optimizer"), PAIRS)
def test_what_moves_and_what_may_not(policy, optimizer):
    model, made = make(policy, optimizer)
    before = model.embedding.table().clone()
    train(model, made, BATCHES)
    after = model.embedding.table()
    assert after.isfinite().all()
    moved = {row for row in range(V) if not same_bits(after[row], before[row])}
    if policy == "frozen":
        assert not moved
    elif policy == "partial":
        assert moved == set(CHOSEN)
    elif policy in KEEPS_UNSEEN:
        assert moved == set(SEEN)
    elif policy == "projected":
        assert moved == set(range(1, V))
    else:
        assert moved >= set(SEEN)
    assert not after[0].any()
    assert same_bits(model.embedding.pretrained, start_rows()) == (policy != "scratch")
    assert not same_bits(model.output.weight, new_model().output.weight)


@every_optimizer
@pytest.mark.parametrize("policy", ["fine-tuned", "scaled", "gradual", "two-channel", "scratch"])
def test_rows_never_seen_keep_their_bits_where_nothing_decays(policy, optimizer):
    model, made = make(policy, optimizer, stress=False)
    for group in made.param_groups:
        group |= {"weight_decay": 0.0, "lambd": 0.0}  # ASGD's name for it; 1e-4 by default
    before = model.embedding.table().clone()
    train(model, made, BATCHES)
    assert same_bits(model.embedding.table()[UNSEEN], before[UNSEEN])


@every_optimizer
def test_gradual_keeps_every_bit_until_the_thaw(optimizer):
    model = new_model()
    model(BATCHES[0][0]).sum().backward()
    model, made = make("gradual", optimizer, model=model)
    frozen, other = make("frozen", optimizer)
    train(model, made, BATCHES[:THAW_STEP])
    train(frozen, other, BATCHES[:THAW_STEP])
    assert same_bits(model.embedding.weight, start_rows())
    for found, expected in zip(model.output.parameters(), frozen.output.parameters(), strict=True):
        assert same_bits(found, expected)
    assert not made.state[model.embedding.weight].get("step", 0)
    train(model, made, BATCHES[THAW_STEP : THAW_STEP + 1])
    assert not same_bits(model.embedding.weight[SEEN], start_rows()[SEEN])


def test_the_bias_correction_of_adam_starts_with_the_thaw():
    model, made = make(Gradual(thaw_step=3, learning_rate_multiplier=0.5), "Adam", stress=False)
    train(model, made, BATCHES[:4])
    # The first step of Adam is the learning rate, whatever the gradient.
    step = (model.embedding.weight.detach() - start_rows())[SEEN].abs()
    assert step.max().item() == pytest.approx(0.5 * LR, rel=1e-3)
    assert step.median().item() == pytest.approx(0.5 * LR, rel=1e-3)
    assert made.state[model.embedding.weight]["step"] == 1


@every_policy
def test_muon_over_matrices_alone(policy):
    class Linear(nn.Module):
        def __init__(self, embedding):
            super().__init__()
            self.embedding, self.head = embedding, nn.Linear(D, C, bias=False)

        def forward(self, ids):
            return self.head(self.embedding(ids).mean(dim=1))

    model, made = make(policy, "Muon", model=new_model(Linear))
    before = model.embedding.table().clone()
    train(model, made, BATCHES)
    moved = (model.embedding.table() != before).any(dim=1)
    assert moved[CHOSEN].all() == (policy != "frozen")
    assert not moved[0]
    if policy in KEEPS_UNSEEN:
        assert not moved[UNSEEN].any()


def test_frozen_under_an_optimizer_that_steps_by_a_closure():
    model, made = make("frozen", "LBFGS")

    def loss():
        made.zero_grad()
        value = functional.cross_entropy(model(BATCHES[0][0]), BATCHES[0][1])
        value.backward()
        return value

    assert made.step(loss) > loss()
    assert same_bits(model.embedding.weight, start_rows())


# The textbook's equivalents in plain PyTorch


@pytest.mark.parametrize("optimizer", [Adam, SGD, AdamW])
def test_gradual_is_plain_torch_that_is_frozen_and_then_thawed(optimizer):
    model = new_model()
    train(model, Gradual(thaw_step=5, learning_rate_multiplier=0.3).optimizer(model, optimizer, lr=LR), BATCHES)
    plain = AverageClassifier(nn.Embedding.from_pretrained(start_rows(), padding_idx=0), C, depth=0)
    plain.output.load_state_dict(new_model().output.state_dict())
    groups = [{"params": plain.output.parameters()}, {"params": plain.embedding.parameters(), "lr": 0.3 * LR}]
    by_hand = optimizer(groups, lr=LR)
    train(plain, by_hand, BATCHES[:5])
    plain.embedding.weight.requires_grad_(True)
    train(plain, by_hand, BATCHES[5:])
    for found, expected in zip(model.parameters(), plain.parameters(), strict=True):
        assert same_bits(found, expected)


def test_partial_moves_its_rows_as_fine_tuning_would():
    # Seen alone, in batches of nothing else, a row moves as if all were trained.
    only = [(torch.tensor([[row] for row in CHOSEN]), torch.arange(len(CHOSEN)) % C)] * 10
    partial = train(*make("partial", "Adam", stress=False), only)
    tuned = train(*make("fine-tuned", "Adam", stress=False), only)
    assert same_bits(partial.embedding.table()[CHOSEN], tuned.embedding.weight[CHOSEN])


def test_two_channels_are_those_of_a_convolution_over_both():
    """Kim 2014: each filter is applied to both channels, and the results are added before bias and non-linearity."""
    model, made = make("two-channel", "Adam", stress=False)
    train(model, made, BATCHES)
    tuned = model.embedding.adaptation.tuned.detach()
    assert not same_bits(tuned, start_rows())
    with torch_seeded(0, "convolution"):
        convolution = nn.Conv2d(2, 7, kernel_size=(3, D))
    shared = convolution.weight[:, :1].expand(-1, 2, -1, -1)
    ids = torch.tensor([[6, 7, 20, 3, 9, 1]])
    channels = torch.stack([start_rows()[ids], tuned[ids]], dim=1)
    both = functional.relu(functional.conv2d(channels, shared, convolution.bias))
    one = functional.relu(functional.conv2d(model.embedding(ids).unsqueeze(1), shared[:, :1], convolution.bias))
    torch.testing.assert_close(one, both, rtol=0, atol=1e-5)


def test_two_channels_move_as_a_table_of_twice_the_rows():
    twice = new_model()
    twice.embedding.restart(2 * start_rows(), twice.embedding.is_pretrained)
    two = new_model()
    for policy, model in ((TwoChannel(), two), (Scaled(learning_rate_multiplier=1.0), twice)):
        train(model, policy.optimizer(model, Adam, lr=LR), BATCHES)
    torch.testing.assert_close(two.embedding.table(), twice.embedding.weight.detach(), rtol=0, atol=1e-5)


def test_the_first_step_of_low_rank_is_about_the_learning_rate():
    for rank in (1, 2, 6, 99):
        model = new_model()
        made = make_policy("low-rank", rank=rank).optimizer(model, Adam, lr=LR)
        assert model.embedding.adaptation.left.shape == (V, min(rank, D))
        assert same_bits(model.embedding.table(), start_rows())
        train(model, made, BATCHES[:1])
        moved = model.embedding.table()[SEEN] - start_rows()[SEEN]
        assert 0.2 * LR < moved.square().mean().sqrt() < 3 * LR


# Resume, copies


def state_of(model, optimizer):
    saved = io.BytesIO()
    torch.save({"model": model.state_dict(), "optimizer": optimizer.state_dict()}, saved)
    saved.seek(0)
    return torch.load(saved, weights_only=True)


@every_policy
@given(taken=st.integers(0, 12), again=st.integers(0, 12), optimizer=st.sampled_from(CLAIMED))
@settings(max_examples=12, deadline=None, derandomize=True)
def test_training_resumed_at_any_step_gives_the_same_bits(policy, taken, again, optimizer):
    taken, again = sorted((taken, again))
    assume((policy, optimizer) in PAIRS)
    straight = train(*make(policy, optimizer), BATCHES[:12])
    model, made = make(policy, optimizer)
    for first, last in ((0, taken), (taken, again), (again, 12)):
        train(model, made, BATCHES[first:last])
        state = state_of(model, made)
        model, made = make(policy, optimizer)
        model.load_state_dict(state["model"])
        made.load_state_dict(state["optimizer"])
    for found, expected in zip(model.parameters(), straight.parameters(), strict=True):
        assert same_bits(found, expected)


@pytest.mark.parametrize("taken", [0, THAW_STEP - 1, THAW_STEP, THAW_STEP + 1, 9])
def test_the_thaw_survives_resume(taken):
    model, made = make("gradual")
    train(model, made, BATCHES[:taken])
    state = state_of(model, made)
    model, made = make("gradual")
    model.load_state_dict(state["model"])
    made.load_state_dict(state["optimizer"])
    assert model.embedding.weight.requires_grad == (taken >= THAW_STEP)
    left = THAW_STEP - taken
    if left > 0:
        train(model, made, BATCHES[taken:THAW_STEP])
        assert same_bits(model.embedding.weight, start_rows())
    train(model, made, BATCHES[max(taken, THAW_STEP) :][:1])
    assert not same_bits(model.embedding.weight, start_rows())


def test_a_state_of_another_policy_is_refused():
    _, tuned = make("fine-tuned")
    _, made = make("gradual")
    with pytest.raises(InputError, match="saved under another policy than 'gradual'"):
        made.load_state_dict(tuned.state_dict())


@pytest.mark.parametrize("policy", ["anchored", "gradual"])
@pytest.mark.parametrize("way", ["deepcopy", "pickle"])
@pytest.mark.parametrize("taken", [0, 2, 7])
def test_a_copy_of_an_optimizer_keeps_its_policy(policy, way, taken):
    straight = train(*make(policy), BATCHES[:12])
    model, made = make(policy)
    train(model, made, BATCHES[:taken])
    both = (model, made)
    copied, its_own = copy.deepcopy(both) if way == "deepcopy" else pickle.loads(pickle.dumps(both))
    assert type(its_own) is type(made)
    train(copied, its_own, BATCHES[taken:12])
    for found, expected in zip(copied.parameters(), straight.parameters(), strict=True):
        assert same_bits(found, expected)
    # The original has not been touched by the copy, and goes on.
    train(model, made, BATCHES[taken:12])
    assert same_bits(model.embedding.weight, straight.embedding.weight)


def test_an_acting_optimizer_is_an_optimizer_of_its_class():
    _, made = make("anchored", "Adam")
    assert isinstance(made, Adam)
    assert type(made).__name__ == "Adam"


# Folding


def convolution(embedding):
    return ConvolutionalClassifier(embedding, C)


@pytest.mark.parametrize("build", [lambda embedding: AverageClassifier(embedding, C, depth=1), convolution])
@every_policy
def test_a_folded_table_predicts_the_same(policy, build):
    model = new_model(build)
    train(*make(policy, "Adam", model=model, stress=False), BATCHES)
    model.eval()
    further = start_rows()[6:9] + 0.1
    ids = torch.tensor([[1, 6, 20, 0], [9, V, V + 2, 3], [5, 0, 0, 0]])
    with torch.inference_mode(), model.embedding.extended(further):
        expected = model(ids)
    with torch.inference_mode():
        seen = model(ids[[0, 2]])
    model.embedding.fold()
    assert model.embedding.adaptation is None
    with torch.inference_mode(), model.embedding.extended(further):
        torch.testing.assert_close(model(ids), expected, rtol=0, atol=1e-5)
    with torch.inference_mode():
        torch.testing.assert_close(model(ids[[0, 2]]), seen, rtol=0, atol=1e-5)
    assert model.embedding.unseen_map is None or policy in ("two-channel", "projected")
    # A folded model is loaded into one that knows nothing of the policy.
    plain = new_model(build)
    plain.load_state_dict(state_of(model, SGD(model.parameters()))["model"])
    plain.eval()
    with torch.inference_mode(), plain.embedding.extended(further):
        torch.testing.assert_close(plain(ids), expected, rtol=0, atol=1e-5)


def test_words_outside_the_table_pass_through_what_holds_for_all_words():
    rows = start_rows()[18:20]
    model = train(*make("projected", "Adam"), BATCHES)
    # They are rows of the table here, so that we know where they went.
    expected = model.embedding.table()[18:20]
    torch.testing.assert_close(model.embedding.map_unseen(rows), expected, rtol=0, atol=1e-6)
    model.embedding.fold()
    torch.testing.assert_close(model.embedding.map_unseen(rows), expected, rtol=0, atol=1e-6)
    assert torch.equal(new_model().embedding.map_unseen(rows), rows)
    assert torch.equal(train(*make("low-rank"), BATCHES).embedding.map_unseen(rows), rows)


def test_a_policy_goes_on_from_what_another_has_learned():
    model = train(*make("projected"), BATCHES)
    learned, matrix = model.embedding.table(), model.embedding.adaptation.matrix.detach().clone()
    train(*make("projected", model=model), [])
    assert same_bits(model.embedding.weight, learned)
    train(*make("projected", model=model), BATCHES)
    both = start_rows()[18:20] @ matrix @ model.embedding.adaptation.matrix.detach()
    torch.testing.assert_close(model.embedding.map_unseen(start_rows()[18:20]), both, rtol=0, atol=1e-6)
    torch.testing.assert_close(model.embedding.table()[18:20], both, rtol=0, atol=1e-6)
    make("frozen", model=model)
    assert model.embedding.adaptation is None
    assert not any(parameter.requires_grad for parameter in model.embedding.parameters())


# What is counted, what is shared


@every_policy
def test_trainable_numbers_are_those_that_torch_counts(policy):
    model, made = make(policy)
    train(model, made, BATCHES[: THAW_STEP + 1])
    counted = sum(p.numel() for p in model.embedding.parameters() if p.requires_grad)
    assert named(policy).num_trainable(model.embedding, V) == counted


@pytest.mark.parametrize("policy", ["gradual", "partial", "low-rank", "projected", "two-channel"])
def test_embeddings_that_share_a_weight_share_what_is_learned(policy):
    class Twice(nn.Module):
        def __init__(self):
            super().__init__()
            self.first, self.second = (
                PretrainedEmbedding(start_rows(), torch.arange(V) >= 6, counts=COUNTS) for _ in range(2)
            )
            self.second.weight = self.first.weight
            with torch_seeded(0, "head"):
                self.head = nn.Linear(D, C)

        def forward(self, ids):
            return self.head((self.first(ids) + self.second(ids)).mean(dim=1))

    model = Twice()
    _, made = make(policy, model=model)
    train(model, made, BATCHES)
    assert same_bits(model.first.table(), model.second.table())
    assert not same_bits(model.first.table()[CHOSEN], start_rows()[CHOSEN])
    assert made.param_groups[-1].get("steps_taken", len(BATCHES)) == len(BATCHES)
