"""The optimiser of users' own loops, held against dense optimisers of torch on the same model."""

import copy
import io
import math

import pytest
import torch
from torch import nn
from torch.nn import functional

from meltpoint.embedding import Anchored, PretrainedEmbedding
from meltpoint.embedding.rowwise import RowwiseOptimizer, clip_grad_norm_
from meltpoint.errors import InputError
from meltpoint.models import AverageClassifier
from meltpoint.randomness import torch_seeded

V, D, C, NUM_STEPS, LR = 40, 8, 3, 60, 1e-2
SEEN = torch.arange(1, 30)

# rule and settings, and the dense optimiser that they stand for
RULES = {
    "adam": ({"rule": "adam"}, torch.optim.Adam, {}),
    "adamw": ({"rule": "adamw", "weight_decay": 0.5}, torch.optim.AdamW, {"weight_decay": 0.5}),
    "sgd": ({"rule": "sgd", "momentum": 0.9, "nesterov": True}, torch.optim.SGD, {"momentum": 0.9, "nesterov": True}),
    "sgd, decay": ({"rule": "sgd", "weight_decay": 0.1}, torch.optim.SGD, {"weight_decay": 0.1}),
    "adagrad": ({"rule": "adagrad"}, torch.optim.Adagrad, {}),
}
every_rule = pytest.mark.parametrize("rule", RULES)


def new_model(embedding=None):
    if embedding is None:
        with torch_seeded(0, "rows"):
            embedding = nn.Embedding(V, D, padding_idx=0)
    with torch_seeded(0, "head"):
        return AverageClassifier(embedding, C, depth=0)


def batches(num_steps=NUM_STEPS):
    with torch_seeded(0, "batches"):
        for _ in range(num_steps):
            # Twelve words a batch: most rows are absent from most.
            words = SEEN[torch.randperm(len(SEEN))[:12]]
            ids = words[torch.randint(12, (8, 5))]
            ids[torch.arange(5) >= torch.randint(1, 6, (8, 1))] = 0
            yield ids, torch.randint(C, (8,))


def rest_of(model, optimizer_class=torch.optim.SGD, **options):
    return optimizer_class(model.output.parameters(), lr=LR, **options)


def loss_of(model, ids, labels):
    return functional.cross_entropy(model(ids), labels)


def train(model, optimizers, steps=None, *, before_step=None, after_step=None):
    for ids, labels in batches() if steps is None else steps:
        for optimizer in optimizers:
            optimizer.zero_grad()
        loss_of(model, ids, labels).backward()
        if before_step is not None:
            before_step()
        for optimizer in optimizers:
            optimizer.step()
        if after_step is not None:
            after_step()
    return model


def train_dense(optimizer_class, options, **more):
    model = new_model()
    return train(model, [optimizer_class([model.embedding.weight], lr=LR, **options), rest_of(model)], **more)


def assert_same(model, reference, atol=2e-5):
    for (name, found), (_, expected) in zip(model.named_parameters(), reference.named_parameters(), strict=True):
        torch.testing.assert_close(found, expected, rtol=0, atol=atol, msg=lambda text, name=name: f"{name}: {text}")


@every_rule
def test_a_loop_is_that_of_the_dense_optimizer(rule):
    settings, dense, options = RULES[rule]
    model = new_model()
    rows = RowwiseOptimizer(model, lr=LR, **settings)
    train(model, [rows, rest_of(model)])
    rows.flush()
    assert_same(model, train_dense(dense, options))


@every_rule
def test_evaluation_reads_rows_that_are_up_to_date(rule):
    settings, dense, options = RULES[rule]
    model, reference = new_model(), train_dense(dense, options)
    train(model, [RowwiseOptimizer(model, lr=LR, **settings), rest_of(model)])
    ids = torch.arange(V).reshape(8, 5)
    reference.eval()
    model.eval()
    with torch.inference_mode():
        torch.testing.assert_close(model(ids), reference(ids), rtol=0, atol=2e-5)
    # Embeddings may be called by name as well.
    with torch.no_grad():
        torch.testing.assert_close(model.embedding(input=ids), reference.embedding(ids), rtol=0, atol=2e-5)


def test_lazy_is_another_result():
    model = new_model()
    rows = RowwiseOptimizer(model, rule="adam", lr=LR, mode="lazy")
    train(model, [rows, rest_of(model)])
    dense = train_dense(torch.optim.Adam, {})
    assert (model.embedding.weight - dense.embedding.weight).abs().max() > 1e-3


@pytest.mark.parametrize("rule", ["adam", "adagrad"])
def test_no_gradient_has_the_size_of_the_table(rule):
    model = new_model()
    rows = RowwiseOptimizer(model, rule=rule, lr=LR)
    ids, labels = next(iter(batches()))
    loss_of(model, ids, labels).backward()
    gradient = model.embedding.weight.grad
    assert gradient.is_sparse
    assert len(gradient._values()) <= ids.numel()
    rows.step()


def test_learning_rate_schedulers_reach_the_rows():
    schedule = {"lr_lambda": lambda step: (1 + math.cos(step)) / 2}
    model, reference = new_model(), new_model()
    for each, optimizer in (
        (model, RowwiseOptimizer(model, rule="adamw", lr=LR, weight_decay=0.3)),
        (reference, torch.optim.AdamW([reference.embedding.weight], lr=LR, weight_decay=0.3)),
    ):
        scheduler = torch.optim.lr_scheduler.LambdaLR(optimizer, **schedule)
        train(each, [optimizer, rest_of(each)], after_step=scheduler.step)
        if isinstance(optimizer, RowwiseOptimizer):
            optimizer.flush()
    assert_same(model, reference)


def test_the_padding_row_stays_under_decay():
    model = new_model()
    with torch.no_grad():
        model.embedding.weight[0] = 1.0
    rows = RowwiseOptimizer(model, rule="adamw", lr=LR, weight_decay=1.0)
    train(model, [rows, rest_of(model)])
    rows.flush()
    assert (model.embedding.weight[0] == 1).all()


def test_anchored_is_the_policy():
    def pretrained_model():
        with torch_seeded(0, "rows"):
            return new_model(PretrainedEmbedding(torch.randn(V, D), torch.arange(V) >= 8))

    model, reference = pretrained_model(), pretrained_model()
    rows = RowwiseOptimizer(model, rule="adamw", lr=LR, anchor_strength=5.0)
    train(model, [rows, rest_of(model, torch.optim.AdamW, weight_decay=0.0)])
    rows.flush()
    policy = Anchored(strength=5.0)
    train(reference, [policy.optimizer(reference, torch.optim.AdamW, lr=LR, weight_decay=0.0)])
    assert_same(model, reference)
    assert torch.equal(model.embedding.weight[30:], model.embedding.pretrained[30:])


def test_a_plain_embedding_is_anchored_where_it_is():
    model = new_model()
    start = model.embedding.weight.detach().clone()
    rows = RowwiseOptimizer(model, lr=LR, anchor_strength=1e9)
    train(model, [rows, rest_of(model)])
    rows.flush()
    torch.testing.assert_close(model.embedding.weight[1:], start[1:])


class TwoSided(nn.Module):
    """Two embeddings of one weight, as in a pair model, and one of their own."""

    def __init__(self):
        super().__init__()
        with torch_seeded(0, "rows"):
            self.left, self.right, self.other = (nn.Embedding(V, D, padding_idx=0) for _ in range(3))
        self.right.weight = self.left.weight
        self.output = nn.Linear(D, C)

    def forward(self, ids):
        return self.output((self.left(ids) * self.right(ids.flip(0)) + self.other(ids)).mean(dim=1))


def test_embeddings_that_share_a_weight_are_stepped_once():
    with torch_seeded(0, "model"):
        model = TwoSided()
    reference = copy.deepcopy(model)
    rows = RowwiseOptimizer(model, rule="adam", lr=LR)
    assert [len(group["params"]) for group in rows.param_groups] == [2]
    train(model, [rows, rest_of(model)])
    rows.flush()
    train(reference, [torch.optim.Adam([reference.left.weight, reference.other.weight], lr=LR), rest_of(reference)])
    assert_same(model, reference)


def test_groups_have_rates_of_their_own():
    with torch_seeded(0, "model"):
        model = TwoSided()
    reference = copy.deepcopy(model)
    groups = [
        {"embeddings": [model.left, model.right], "lr": 0.1 * LR, "name": "shared"},
        {"embeddings": [model.other]},
    ]
    rows = RowwiseOptimizer(groups, rule="adam", lr=LR)
    assert [group["lr"] for group in rows.param_groups] == [0.1 * LR, LR]
    assert rows.param_groups[0]["name"] == "shared"
    train(model, [rows, rest_of(model)])
    rows.flush()
    dense = [{"params": [reference.left.weight], "lr": 0.1 * LR}, {"params": [reference.other.weight]}]
    train(reference, [torch.optim.Adam(dense, lr=LR), rest_of(reference)])
    assert_same(model, reference)


@every_rule
@pytest.mark.parametrize("taken", [0, 1, 13])
def test_resumed_training_gives_the_same_bits(rule, taken):
    settings, *_ = RULES[rule]
    steps = list(batches(30))

    def fresh():
        model = new_model()
        return model, RowwiseOptimizer(model, lr=LR, **settings), rest_of(model)

    straight, rows, rest = fresh()
    train(straight, [rows, rest], steps[:taken])
    saved = io.BytesIO()
    # The model's weights are taken first and moved away: they must be up to date by themselves.
    weights = {name: tensor.clone() for name, tensor in straight.state_dict().items()}
    torch.save({"model": weights, "rows": rows.state_dict(), "rest": rest.state_dict()}, saved)
    train(straight, [rows, rest], steps[taken:])
    saved.seek(0)
    checkpoint = torch.load(saved, weights_only=True)
    resumed, rows_again, rest_again = fresh()
    resumed.load_state_dict(checkpoint["model"])
    rows_again.load_state_dict(checkpoint["rows"])
    rest_again.load_state_dict(checkpoint["rest"])
    train(resumed, [rows_again, rest_again], steps[taken:])
    rows.flush()
    rows_again.flush()
    for found, expected in zip(resumed.parameters(), straight.parameters(), strict=True):
        assert torch.equal(found, expected)


def test_weights_that_are_loaded_stay_as_they_are():
    model = new_model()
    best = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    rows = RowwiseOptimizer(model, rule="adam", lr=LR)
    train(model, [rows, rest_of(model)])
    model.load_state_dict(best)
    rows.flush()
    assert torch.equal(model.embedding.weight, best["embedding.weight"])


def test_a_copy_of_the_model_is_its_own():
    model = new_model()
    rows = RowwiseOptimizer(model, rule="adam", lr=LR)
    train(model, [rows, rest_of(model)])
    rows.flush()
    copied = copy.deepcopy(model)
    before = copied.embedding.weight.detach().clone()
    train(model, [rows, rest_of(model)], list(batches(5)))
    copied(torch.arange(V).reshape(8, 5))
    assert torch.equal(copied.embedding.weight, before)


def test_release_gives_the_embeddings_back():
    model = new_model()
    rows = RowwiseOptimizer(model, rule="adam", lr=LR)
    train(model, [rows, rest_of(model)])
    rows.release()
    assert_same(model, train_dense(torch.optim.Adam, {}))
    assert not model.embedding.sparse
    assert not model.embedding._forward_pre_hooks
    torch.save(model, io.BytesIO())  # nothing of ours is left in it that cannot be pickled
    loss_of(model, *next(iter(batches()))).backward()
    assert not model.embedding.weight.grad.is_sparse


def test_a_closure_is_called_and_its_loss_returned():
    model = new_model()
    rows = RowwiseOptimizer(model, rule="sgd", lr=LR)
    ids, labels = next(iter(batches()))

    def closure():
        rows.zero_grad()
        loss = loss_of(model, ids, labels)
        loss.backward()
        return loss

    before = rows.step(closure)
    assert loss_of(model, ids, labels) < before


@pytest.mark.parametrize("max_norm", [1e-3, 0.05, 1e3])
def test_clipping_is_that_of_torch(max_norm):
    model, reference = new_model(), new_model()
    found, expected = [], []
    rows = RowwiseOptimizer(model, rule="sgd", lr=LR)
    train(
        model,
        [rows, rest_of(model)],
        before_step=lambda: found.append(clip_grad_norm_(model.parameters(), max_norm)),
    )
    rows.flush()
    train(
        reference,
        [torch.optim.SGD([reference.embedding.weight], lr=LR), rest_of(reference)],
        before_step=lambda: expected.append(nn.utils.clip_grad_norm_(reference.parameters(), max_norm)),
    )
    torch.testing.assert_close(torch.stack(found), torch.stack(expected))
    assert_same(model, reference)


def test_clipping_nothing():
    assert clip_grad_norm_(new_model().parameters(), 1.0) == 0


@pytest.mark.parametrize(
    "device",
    [
        "cpu",
        pytest.param("cuda", marks=pytest.mark.skipif(not torch.cuda.is_available(), reason="needs CUDA")),
    ],
)
def test_gradient_scaling(device):
    model, reference = new_model().to(device), new_model().to(device)
    rows, rest = RowwiseOptimizer(model, rule="adam", lr=LR), rest_of(model)
    scaler = torch.amp.GradScaler(device, init_scale=1024.0)
    for step, (ids, labels) in enumerate(batches()):
        rows.zero_grad()
        rest.zero_grad()
        loss = loss_of(model, ids.to(device), labels.to(device))
        # A step whose gradient overflows is left out.
        scaler.scale(loss * (math.inf if step == 7 else 1.0)).backward()
        scaler.unscale_(rows)
        scaler.unscale_(rest)
        clip_grad_norm_(model.parameters(), 10.0)
        scaler.step(rows)
        scaler.step(rest)
        scaler.update()
    rows.flush()
    kept = [batch for step, batch in enumerate(batches()) if step != 7]
    steps = [(ids.to(device), labels.to(device)) for ids, labels in kept]
    train(reference, [torch.optim.Adam([reference.embedding.weight], lr=LR), rest_of(reference)], steps)
    assert_same(model, reference)


def test_autocast():
    model = new_model()
    rows, rest = RowwiseOptimizer(model, rule="adam", lr=LR), rest_of(model)
    for ids, labels in batches():
        rows.zero_grad()
        rest.zero_grad()
        with torch.autocast("cpu", torch.bfloat16):
            loss = loss_of(model, ids, labels)
        loss.backward()
        rows.step()
        rest.step()
    rows.flush()
    assert model.embedding.weight.dtype == torch.float32
    dense = train_dense(torch.optim.Adam, {}).embedding.weight
    torch.testing.assert_close(model.embedding.weight, dense, rtol=0, atol=0.1)


class Tied(nn.Module):
    def __init__(self):
        super().__init__()
        self.embedding = nn.Embedding(V, D)
        self.output = nn.Linear(D, V, bias=False)
        self.output.weight = self.embedding.weight

    def forward(self, ids):
        return self.output(self.embedding(ids).mean(dim=1))


def test_a_tied_output_layer_is_refused():
    model = Tied()
    rows = RowwiseOptimizer(model, lr=LR)
    model(torch.ones(2, 2, dtype=torch.int64)).sum().backward()
    with pytest.raises(InputError, match=r"dense gradient, .* outside nn.Embedding .* use a dense optimiser"):
        rows.step()


@pytest.mark.parametrize(
    ("settings", "text"),
    [
        ({"rule": "lion"}, "No row-wise rule is called 'lion'. There are: adam, adamw, sgd, sgdw, adagrad"),
        ({"rule": "adam", "weight_decay": 0.1}, "'adam' adds weight_decay to the gradient, .* Use rule='adamw'"),
        ({"rule": "sgd", "momentum": 0.9, "weight_decay": 0.1}, "Use rule='sgdw'"),
        ({"rule": "adagrad", "weight_decay": 0.1}, "Use weight_decay=0, or the dense optimiser"),
        ({"rule": "sgd", "betas": (0.9, 0.99)}, "'sgd' has no setting betas. Its settings: momentum, nesterov"),
        ({"rule": "adam", "lr": -1.0}, "lr must be a finite number of at least 0"),
    ],
)
def test_settings_that_cannot_be(settings, text):
    with pytest.raises(InputError, match=text):
        RowwiseOptimizer(new_model(), **settings)


@pytest.mark.parametrize(
    ("embeddings", "text"),
    [
        (nn.Linear(2, 2), "needs the key 'embeddings'"),
        (nn.Embedding.from_pretrained(torch.ones(3, 2)), "whose weight requires a gradient"),
        ([nn.Linear(2, 2)], "steps nn.Embedding modules, found Linear"),
        ([{"params": []}], "needs the key 'embeddings'"),
        ([nn.Embedding(3, 2, max_norm=1.0)], "max_norm or scale_grad_by_freq cannot"),
    ],
    ids=str,
)
def test_embeddings_that_cannot_be(embeddings, text):
    with pytest.raises(InputError, match=text):
        RowwiseOptimizer(embeddings)


def test_a_state_of_other_embeddings():
    one, two = RowwiseOptimizer(new_model()), RowwiseOptimizer(TwoSided())
    with pytest.raises(InputError, match="rows of 1 tables, found 2"):
        one.load_state_dict(two.state_dict())
    with pytest.raises(InputError, match="rows of 1 tables, found none"):
        one.load_state_dict({"state": {}, "param_groups": []})
