"""Policies by name, their knobs, and what they refuse."""

import pytest
import torch
from torch import nn

from meltpoint.embedding import POLICIES, Decayed, Frozen, PretrainedEmbedding, make_policy, policies, policy_class
from meltpoint.errors import InputError


def table():
    return PretrainedEmbedding(torch.ones(4, 2), torch.ones(4, dtype=torch.bool))


def test_every_policy_says_what_it_is():
    assert [policy.name for policy in policies()] == [
        "frozen", "fine-tuned", "scaled", "decayed", "anchored", "scratch",
    ]  # fmt: skip
    for policy in policies():
        assert policy.summary
        assert "\n" not in policy.summary
        assert policy_class(policy.name) is policy


@pytest.mark.parametrize("name", POLICIES)
def test_a_study_searches_only_values_that_a_policy_takes(name):
    for knob, values in policy_class(name).search_values.items():
        for value in values:
            assert getattr(make_policy(name, **{knob: value}), knob) == value


def test_policies_are_values():
    assert make_policy("scaled", learning_rate_multiplier=0.3) == make_policy("scaled", learning_rate_multiplier=0.3)
    with pytest.raises(AttributeError):
        make_policy("scaled").learning_rate_multiplier = 1.0


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("frozn", "called 'frozn'. Did you mean 'frozen'\\? The policies are: frozen, fine-tuned, scaled"),
        ("finetuned", "Did you mean 'fine-tuned'"),
        ("zzz", "called 'zzz'. The policies are"),
    ],
)
def test_names_that_are_not_there(name, text):
    with pytest.raises(InputError, match=text):
        make_policy(name)


@pytest.mark.parametrize(
    ("name", "knobs", "text"),
    [
        ("anchored", {"strenght": 1.0, "decay": 1.0}, "no knob decay, strenght. Its knobs: learning_rate_m"),
        ("frozen", {"strength": 1.0}, "'frozen' has no knob strength. Its knobs: none"),
        ("anchored", {"strength": 0.0}, "'anchored': strength must be a positive finite number, found 0.0"),
        ("anchored", {"learning_rate_multiplier": -1.0}, "learning_rate_multiplier must be .* found -1.0"),
        ("scaled", {"learning_rate_multiplier": float("inf")}, "found inf"),
        ("scaled", {"learning_rate_multiplier": float("nan")}, "found nan"),
        ("decayed", {"weight_decay": 0.0}, "'decayed': weight_decay must be"),
    ],
)  # fmt: skip
def test_knobs_that_cannot_be(name, knobs, text):
    with pytest.raises(InputError, match=text):
        make_policy(name, **knobs)


@pytest.mark.parametrize("name", POLICIES)
def test_a_model_without_a_pretrained_embedding(name):
    model = nn.Sequential(nn.Embedding(4, 2), nn.Linear(2, 2))
    with pytest.raises(InputError, match=r"made by meltpoint.build_embedding; Sequential holds none"):
        make_policy(name).optimizer(model, torch.optim.Adam, lr=0.1)


def test_nothing_left_to_train():
    with pytest.raises(InputError, match=r"'frozen' would train nothing: .* no other trainable parameter"):
        Frozen().optimizer(nn.Sequential(table()), torch.optim.Adam, lr=0.1)


@pytest.mark.parametrize("name", ["fine-tuned", "scaled", "decayed", "anchored", "scratch"])
def test_a_bare_embedding_can_be_trained(name):
    optimizer = make_policy(name).optimizer(table(), torch.optim.AdamW, lr=0.1)
    assert [group["name"] for group in optimizer.param_groups] == ["embedding"]


@pytest.mark.parametrize("optimizer_class", [torch.optim.SparseAdam, torch.optim.LBFGS])
def test_decay_under_an_optimizer_that_has_none(optimizer_class):
    model = nn.Sequential(table(), nn.Linear(2, 2))
    name = optimizer_class.__name__
    with pytest.raises(
        InputError, match=f"needs an optimiser with weight decay; {name} has none. Use torch.optim.Adam"
    ):
        Decayed().optimizer(model, optimizer_class, lr=0.1)


def test_parameters_frozen_by_the_caller_stay_out_of_the_optimizer():
    model = nn.Sequential(table(), nn.Linear(2, 2))
    model[1].bias.requires_grad_(False)
    optimizer = make_policy("scaled").optimizer(model, torch.optim.Adam, lr=0.1)
    assert [(group["name"], len(group["params"])) for group in optimizer.param_groups] == [
        ("other", 1),
        ("embedding", 1),
    ]
