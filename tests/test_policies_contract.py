"""Policies by name, their knobs, and what they refuse."""

import pytest
import torch
from torch import nn

from meltpoint.embedding import (
    POLICIES,
    Decayed,
    Frozen,
    Gradual,
    Partial,
    PretrainedEmbedding,
    make_policy,
    policies,
    policy_class,
)
from meltpoint.errors import InputError
from meltpoint.text import Vocabulary


def table():
    return PretrainedEmbedding(torch.ones(4, 2), torch.ones(4, dtype=torch.bool))


def test_every_policy_says_what_it_is():
    assert [policy.name for policy in policies()] == [
        "frozen", "fine-tuned", "scaled", "decayed", "anchored",
        "gradual", "partial", "two-channel", "low-rank", "projected", "scratch",
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
        ("gradual", {"thaw_step": 0}, "'gradual': thaw_step must be a whole number of at least 1, found 0"),
        ("gradual", {"thaw_step": float("inf")}, "whole number of at least 1, found inf"),
        ("gradual", {"thaw_step": float("nan")}, "whole number of at least 1, found nan"),
        ("gradual", {"learning_rate_multiplier": 0.0}, "learning_rate_multiplier must be a positive"),
        ("partial", {"most_frequent": 2.5}, "'partial': most_frequent must be a whole number of at least 0, found 2.5"),
        ("partial", {"most_frequent": -1}, "most_frequent must be .* found -1"),
        ("partial", {"unknown": False}, "'partial' would move nothing: choose rows by unknown=True, by most_frequent"),
        ("partial", {"words": "good"}, "words must be a tuple of words, found 'good'"),
        ("low-rank", {"rank": 0}, "'low-rank': rank must be a whole number of at least 1, found 0"),
        ("projected", {"learning_rate_multiplier": -0.1}, "'projected': learning_rate_multiplier must be"),
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


@pytest.mark.parametrize("name", POLICIES)
def test_an_embedding_that_rewrites_rows_as_it_reads_them(name):
    model = nn.Sequential(table(), nn.Linear(2, 2))
    model[0].max_norm = 1.0
    with pytest.raises(InputError, match=f"'{name}' cannot hold for an embedding with max_norm: .* Found max_norm=1.0"):
        make_policy(name).optimizer(model, torch.optim.Adam, lr=0.1)


def test_nothing_left_to_train():
    with pytest.raises(InputError, match=r"'frozen' would train nothing: .* no other trainable parameter"):
        Frozen().optimizer(nn.Sequential(table()), torch.optim.Adam, lr=0.1)


@pytest.mark.parametrize("name", [name for name in POLICIES if name not in ("frozen", "partial")])
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


# Optimisers, and policies that would move nothing


@pytest.mark.parametrize("name", [name for name in POLICIES if name != "decayed"])
def test_an_optimizer_for_sparse_gradients_alone(name):
    model = nn.Sequential(table(), nn.Linear(2, 2))
    with pytest.raises(InputError, match=f"'{name}' does not work under torch.optim.SparseAdam: it takes sparse"):
        make_policy(name).optimizer(model, torch.optim.SparseAdam, lr=0.1)


@pytest.mark.parametrize("name", ["fine-tuned", "gradual", "projected"])
def test_an_optimizer_without_parameter_groups(name):
    model = nn.Sequential(table(), nn.Linear(2, 2))
    with pytest.raises(InputError, match=f"'{name}' does not work under torch.optim.LBFGS: .* Use 'frozen'"):
        make_policy(name).optimizer(model, torch.optim.LBFGS, lr=0.1)


def test_an_optimizer_for_matrices_alone():
    model = nn.Sequential(table(), nn.Linear(2, 2))
    with pytest.raises(InputError, match=r"under torch.optim.Muon with this model: .* parameter of shape \(2,\)"):
        make_policy("scaled").optimizer(model, torch.optim.Muon, lr=0.1)


@pytest.mark.parametrize(
    ("settings", "text"),
    [
        ({}, "of words without a pretrained vector, none occurs in the 3 words of training. Choose other rows"),
        ({"words": ("dreadful",)}, "of 1 given words and words without a pretrained vector, none occurs in the 3 w"),
        ({"unknown": False, "words": ("dreadful", "dull")}, "of 2 given words, none occurs"),
    ],
)  # fmt: skip
def test_partial_that_would_move_nothing(settings, text):
    vocabulary = Vocabulary.from_counts({"good": 3, "bad": 2, "film": 1})
    known = torch.tensor([False, False, True, True, True])
    embedding = PretrainedEmbedding(torch.ones(5, 2), known, vocabulary=vocabulary)
    model = nn.Sequential(embedding, nn.Linear(2, 2))
    with pytest.raises(InputError, match=f"'partial' would move nothing: {text}"):
        Partial(**settings).optimizer(model, torch.optim.Adam, lr=0.1)


@pytest.mark.parametrize(
    ("settings", "text"),
    [
        ({"most_frequent": 3}, "with most_frequent needs to know how often each word occurs"),
        ({"words": ("good",)}, "with words needs an embedding that knows its vocabulary"),
    ],
)
def test_partial_over_a_table_that_does_not_know_its_words(settings, text):
    with pytest.raises(InputError, match=text):
        Partial(**settings).optimizer(table(), torch.optim.Adam, lr=0.1)


@pytest.mark.parametrize(
    ("settings", "rows"),
    [
        ({"unknown": False, "most_frequent": 2}, [2, 3]),
        ({"unknown": False, "most_frequent": 99}, [2, 3, 4, 5]),
        ({"unknown": True}, [5]),
        ({"most_frequent": 1}, [2, 5]),
        ({"unknown": False, "words": ("film", "dreadful")}, [4]),
        ({"most_frequent": 1, "words": ("film",)}, [2, 4, 5]),
    ],
)
def test_rows_that_partial_chooses(settings, rows):
    vocabulary = Vocabulary.from_counts({"good": 3, "bad": 2, "film": 1, "zzqxv": 1})
    known = torch.tensor([False, False, True, True, True, False])
    embedding = PretrainedEmbedding(torch.ones(6, 2), known, vocabulary=vocabulary)
    policy = Partial(**settings)
    assert policy.moving_rows(embedding).nonzero().flatten().tolist() == rows
    assert policy.num_trainable(embedding, 6) == 2 * len(rows)


def test_gradual_that_would_thaw_after_the_end():
    Gradual(thaw_step=99).check_length(100)
    with pytest.raises(InputError, match=r"'gradual' would move nothing: .* after 100 steps, and training ends after"):
        Gradual(thaw_step=100).check_length(100)
