"""Where trials run: what excludes what, which device there is, and that nothing of a step stays on another one."""

import importlib
from dataclasses import replace

import numpy as np
import pytest
import torch

from meltpoint.errors import InputError
from meltpoint.models import cnn, windows
from meltpoint.randomness import TorchStream, torch_seeded
from meltpoint.run import Place, choose_place, find_device
from meltpoint.studies import InProcess, RayCluster, StudyPlan, WorkerProcesses, deterministic
from meltpoint.text import corpus_from_lists, tokenizer_for
from meltpoint.trial import assemble, dense_adam, make_learner, prepare_data, run_search, split_for

CUES, NOUNS = ["great", "fine", "lovely", "warm", "dull", "weak", "poor", "awful"], ["film", "plot", "scene"]
TEXTS = [f"{cue} {noun}" for cue in CUES for noun in NOUNS]
PLAN = StudyPlan(
    study="digest",
    seed=0,
    architectures=("average", "cnn"),
    policies=("frozen", "fine-tuned", "decayed", "anchored"),
    sizes=(10,),
    max_repeats=2,
    search_trials=3,
    num_folds=2,
    unknown="zero",
    max_tokens=8,
    rope_points=0.5,
)


@pytest.fixture(scope="module")
def data(glove):
    return prepare_data(corpus_from_lists(TEXTS, ["good"] * 12 + ["bad"] * 12), glove, tokenizer_for(glove))


@pytest.fixture
def card(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)


@pytest.fixture
def no_card(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)


@pytest.mark.parametrize(
    ("asked", "place"),
    [
        ({"workers": 3}, Place(num_workers=3)),
        ({"workers": 0}, Place()),
        ({"ray": "auto"}, Place(ray="auto")),
        ({"device": "cuda"}, Place(device="cuda")),
        ({"device": "cuda", "workers": 0}, Place(device="cuda")),
        ({"device": "auto"}, Place(device="cuda")),
        ({"device": "auto", "workers": 2}, Place(num_workers=2)),
        ({"device": "auto", "ray": "head:6379"}, Place(ray="head:6379")),
    ],
)
def test_a_place_is_chosen(asked, place, card):
    assert choose_place(**asked) == place


def test_without_a_card_and_a_wish_there_is_a_worker_for_each_core(no_card):
    assert choose_place(device="auto").num_workers >= 1
    assert choose_place(device="auto") == choose_place()


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"workers": -1}, "--workers must be at least 0"),
        ({"workers": 1, "ray": "auto"}, "--workers is for this machine and --ray for a cluster"),
        ({"workers": 1, "device": "cuda"}, "--device cuda trains on one card in this process, --workers on processors"),
        ({"ray": "auto", "device": "cuda"}, "--device cuda trains on one card in this process, --ray on processors"),
        ({"device": "tpu"}, "--device must be one of cpu, cuda, auto; found 'tpu'"),
    ],
)
def test_what_excludes_each_other_is_told(asked, message, card):
    with pytest.raises(InputError, match=message):
        choose_place(**asked)


def test_a_card_that_is_not_there_is_told_in_one_sentence(no_card):
    with pytest.raises(InputError, match=r"^--device cuda: torch .* sees no CUDA card on this machine; use .*card\.$"):
        find_device("cuda")


def test_each_place_has_its_executor(data):
    pytest.importorskip("ray", reason="the extra ray is not installed")
    workers = Place(num_workers=2).executor(data)
    try:
        assert isinstance(workers, WorkerProcesses)
    finally:
        workers.__exit__()
    assert isinstance(Place().executor(data), InProcess)
    assert isinstance(Place(ray="auto").executor(data), RayCluster)


def learner_on(device, data, architecture, policy):
    """K = 6 members over two sources, and batches for them."""
    specs = PLAN.policy_search(architecture, policy, 0, 10) + PLAN.policy_search(architecture, policy, 1, 10)
    splits = [split_for(data, specs[0].split), split_for(data, specs[-1].split)]
    where = [(0, 10), (1, 10)]
    source_of = [0, 0, 0, 1, 1, 1]
    assemblies = [
        assemble(specs[3 * source], data, splits[source].train, seed=0, where=where[source]) for source in (0, 1)
    ]
    train = [own.examples(data, split.train) for own, split in zip(assemblies, splits, strict=True)]
    members = [assemblies[source] for source in source_of]
    return make_learner(specs, members, train, source_of, seed=0, where=where, device=torch.device(device)), train


@pytest.mark.parametrize("architecture", PLAN.architectures)
@pytest.mark.parametrize("policy", ["frozen", "decayed"])
def test_all_of_a_step_is_on_the_device(architecture, policy, data):
    """Tensors of torch's meta device have no numbers, and no operation takes them together with others."""
    learner, train = learner_on("meta", data, architecture, policy)
    batch = np.arange(4)
    learner.step([batch, batch])
    weights = learner.remember(1)
    assert {tensor.device.type for tensor in weights} == {"meta"}
    learner.recall(1, weights)
    learner.keep([0, 1, 4])
    learner.step([batch, batch])
    # Scores alone come back to the processor.
    with pytest.raises(NotImplementedError, match="Cannot copy out of meta tensor"):
        learner.score([0, 1, 2], train)


def test_members_that_share_a_table_share_it_on_the_device(data):
    learner, _ = learner_on("meta", data, "cnn", "frozen")
    assert len({id(learner._rows.table(member)) for member in range(6)}) == 2


@pytest.mark.parametrize("policy", PLAN.policies)
def test_tensor_operations_find_what_the_compiled_loops_find(policy, data, monkeypatch):
    """What runs on a card, here on the processor: looks that differ by rounding."""
    search = tuple(
        replace(spec, schedule=replace(spec.schedule, max_steps=40, rungs=()))
        for spec in PLAN.policy_search("cnn", policy, 0, 10)
    )
    loops = run_search(search, data)
    monkeypatch.setattr(dense_adam, "_compiled_update", dense_adam._update_by_tensor_operations)
    monkeypatch.setattr(cnn, "max_over_windows", windows._by_tensor_operations)
    operations = run_search(search, data)
    for one, other in zip(loops, operations, strict=True):
        assert [look.step for look in one.looks] == [look.step for look in other.looks]
        assert [look.loss for look in one.looks] == pytest.approx([look.loss for look in other.looks], abs=1e-3)


def test_deterministic_algorithms_are_asked_for_while_the_block_runs(monkeypatch):
    monkeypatch.setenv("CUBLAS_WORKSPACE_CONFIG", ":16:8")
    assert not torch.are_deterministic_algorithms_enabled()
    with deterministic("cuda"):
        assert torch.are_deterministic_algorithms_enabled()
        assert torch.is_deterministic_algorithms_warn_only_enabled()
    assert not torch.are_deterministic_algorithms_enabled()
    with deterministic("cpu"):
        assert not torch.are_deterministic_algorithms_enabled()


def test_seeding_the_processor_seeds_no_card(monkeypatch):
    def touched(*_):
        raise AssertionError("a card's generator was seeded")

    for module in ("torch.cuda", "torch.cuda.random"):
        monkeypatch.setattr(importlib.import_module(module), "manual_seed_all", touched)
    with torch_seeded(0, "head"):
        first = torch.rand(2)
    with TorchStream(0, "head").resumed():
        assert torch.equal(torch.rand(2), first)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no CUDA card here")
@pytest.mark.parametrize("architecture", PLAN.architectures)
@pytest.mark.parametrize("policy", PLAN.policies)
def test_a_card_finds_what_the_processor_finds(architecture, policy, data):
    search = PLAN.policy_search(architecture, policy, 0, 10)
    with InProcess(data, device="cuda") as executor:
        twice = []
        for _ in range(2):
            executor.start(search)
            twice.append(executor.finished(0))
    for one, again, here in zip(*twice, run_search(search, data), strict=True):
        assert one.result.looks == again.result.looks
        assert one.result.looks[0].loss == pytest.approx(here.looks[0].loss, abs=1e-3)
