"""Executors: the same bits in this process and in workers; what a user's architecture may do to them."""

import os
import signal
import tempfile
import time
from dataclasses import replace

import numpy as np
import pytest

from meltpoint.errors import DiskError, InputError, MeltpointError
from meltpoint.studies import InProcess, StudyPlan, TrialRecord, WorkerProcesses
from meltpoint.studies.messages import decode_answer, decode_search, encode_answer, encode_error, encode_search
from meltpoint.text import corpus_from_lists, tokenizer_for
from meltpoint.trial import prepare_data

CUES, NOUNS = ["great", "fine", "lovely", "warm", "dull", "weak", "poor", "awful"], ["film", "plot", "scene"]
TEXTS = [f"{cue} {noun}" for cue in CUES for noun in NOUNS]
PLAN = StudyPlan(
    study="digest",
    seed=0,
    architectures=("average",),
    policies=("frozen", "fine-tuned"),
    sizes=(10,),
    max_repeats=2,
    search_trials=2,
    num_folds=2,
    unknown="zero",
    max_tokens=8,
    rope_points=0.5,
)
ARCHITECTURES = """
import os
import sys

import torch
from torch import nn

from meltpoint.models import build_model


def chatty(embedding, num_outputs):
    print("built", flush=True)
    os.write(1, b"{not an answer}\\n")
    return build_model("average", embedding, num_outputs)


def raising(embedding, num_outputs):
    raise KeyError("no such layer")


def wrong_shape(embedding, num_outputs):
    return build_model("average", embedding, num_outputs + 1)


def no_module(embedding, num_outputs):
    return "a model"


class FailsLater(nn.Module):
    def __init__(self, embedding, num_outputs):
        super().__init__()
        self.inner = build_model("average", embedding, num_outputs)

    def forward(self, ids):
        if self.training:
            raise RuntimeError("only in training")
        return self.inner(ids)


def leaves(embedding, num_outputs):
    sys.stderr.write("farewell")
    sys.stderr.flush()
    os._exit(7)
"""


@pytest.fixture(scope="module")
def data(glove):
    labels = ["good"] * 12 + ["bad"] * 12
    return prepare_data(corpus_from_lists(TEXTS, labels), glove, tokenizer_for(glove))


@pytest.fixture
def own_temporary_folder(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


def folders_of_ours(folder):
    """Torch may keep a folder of its own there."""
    return list(folder.glob("meltpoint-*"))


@pytest.fixture
def architectures(tmp_path, monkeypatch):
    (tmp_path / "own_architectures.py").write_text(ARCHITECTURES)
    monkeypatch.syspath_prepend(tmp_path)


def short(search):
    return tuple(replace(spec, schedule=replace(spec.schedule, max_steps=40, rungs=(20,))) for spec in search)


def a_search(architecture="average"):
    return short(replace(PLAN, architectures=(architecture,)).policy_search(architecture, "frozen", 0, 10))


def run(executor, searches):
    """Feeds the executor as a study does, and returns its records by signature."""
    waiting, found = list(searches), {}
    while waiting or executor.running:
        while waiting and executor.has_room:
            executor.start(waiting.pop(0))
        records = executor.finished(60)
        assert records is not None
        found.update({record.spec.signature: record for record in records})
    return found


def test_workers_give_the_bits_of_this_process(data, own_temporary_folder):
    searches = [short(search) for repeat in range(2) for search in PLAN.searches(repeat)]
    with InProcess(data) as executor:
        here = run(executor, searches)
    with WorkerProcesses(data, 2) as executor:
        there = run(executor, searches)
        assert len(folders_of_ours(own_temporary_folder)) == 1
    assert folders_of_ours(own_temporary_folder) == []
    assert here.keys() == there.keys()
    assert {record.result.ending for record in here.values()} >= {"cut off", "dropped"}
    for signature, record in here.items():
        one, other = vars(record.result).copy(), vars(there[signature].result).copy()
        predicted = [each.pop("predicted") for each in (one, other)]
        assert len({None if each is None else each.tobytes() for each in predicted}) == 1
        assert {**one, "seconds": 0} == {**other, "seconds": 0}


def test_what_an_architecture_prints_does_not_get_between_the_answers(data, architectures):
    with WorkerProcesses(data, 1) as executor:
        found = run(executor, [a_search("own_architectures:chatty")])
    with InProcess(data) as executor:
        here = run(executor, [a_search("own_architectures:chatty")])
    assert [record.result.looks for record in found.values()] == [record.result.looks for record in here.values()]


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("raising", r"own_architectures:raising failed at .*own_architectures\.py:18: KeyError: 'no such layer'"),
        ("wrong_shape", r"must return .*scores of shape \(batch, classes\) = \(2, 2\).*returned .*\(2, 3\)"),
        ("no_module", r"'own_architectures:no_module' must return an nn.Module, it returned str"),
        ("FailsLater", r"FailsLater failed at .*own_architectures\.py:36: RuntimeError: only in training"),
    ],
)
@pytest.mark.parametrize("workers", [0, 1])
def test_an_architecture_that_fails_is_wrong_input(name, message, workers, data, architectures, own_temporary_folder):
    executor = WorkerProcesses(data, workers) if workers else InProcess(data)
    with pytest.raises(InputError, match=message), executor:
        run(executor, [a_search(f"own_architectures:{name}")])
    assert folders_of_ours(own_temporary_folder) == []


def test_a_failure_of_ours_is_not_blamed_on_the_architecture(data):
    broken = replace(data, pretrained=data.pretrained[:3])
    with pytest.raises(IndexError), InProcess(broken) as executor:
        run(executor, [a_search()])


def test_a_worker_that_leaves_is_told_with_its_last_words(data, architectures):
    with (
        pytest.raises(
            MeltpointError,
            match=r"worker process ended \(exit 7\) while it trained own_architectures:leaves / frozen at 10 rows.*"
            r"Finished trials are kept; go on with --resume.*last words: farewell",
        ),
        WorkerProcesses(data, 1) as executor,
    ):
        run(executor, [a_search("own_architectures:leaves")])


def test_a_killed_worker_is_told(data):
    with WorkerProcesses(data, 1) as executor:
        executor.start(a_search())
        (worker,) = executor._workers
        os.kill(worker._process.pid, signal.SIGKILL)
        message = r"worker process ended \(exit -9\).*too little memory\?.*words: none"
        with pytest.raises(MeltpointError, match=message):
            executor.finished(60)


def test_half_an_answer_is_a_death_and_no_wait_without_end(data):
    with WorkerProcesses(data, 1) as executor:
        (worker,) = executor._workers

        class HalfAnAnswer:
            def readline(self):
                worker._process.kill()
                return '{"result": {"predic'

            def close(self):
                stdout.close()

        stdout, worker._stdout = worker._stdout, HalfAnAnswer()
        executor.start(a_search())
        with pytest.raises(MeltpointError, match="worker process ended"):
            executor.finished(60)


def test_workers_end_with_the_block(data):
    with WorkerProcesses(data, 2) as executor:
        executor.start(a_search())
        processes = [worker._process for worker in executor._workers]
    deadline = time.monotonic() + 5
    while any(process.poll() is None for process in processes):
        assert time.monotonic() < deadline


@pytest.mark.parametrize("num_workers", [0, -1])
def test_there_must_be_a_worker(num_workers, data):
    with pytest.raises(InputError, match=f"at least 1, found {num_workers}"):
        WorkerProcesses(data, num_workers)


def test_no_place_for_the_data_is_a_disk_error(data, tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "absent"))
    with pytest.raises(DiskError, match=r"temporary folder: .*TMPDIR .*--workers 0"):
        WorkerProcesses(data, 1)


def test_no_space_for_the_data_is_a_disk_error_and_leaves_nothing(data, own_temporary_folder, monkeypatch):
    def full(*_, **__):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(np, "save", full)
    with pytest.raises(DiskError, match="No space left on device"):
        WorkerProcesses(data, 1)
    assert folders_of_ours(own_temporary_folder) == []


def test_answers_survive_the_line(data):
    search = a_search()
    with InProcess(data) as executor:
        records = list(run(executor, [search]).values())
    records[0] = TrialRecord(spec=search[0], result=None, failure="two\nlines", seconds=0.5)
    line = encode_answer(records)
    assert "\n" not in line
    diverged, trained = decode_answer(line, search)
    assert diverged == records[0]
    assert trained.result.predicted.tobytes() == records[1].result.predicted.tobytes()
    assert (trained.result.looks, trained.seconds) == (records[1].result.looks, records[1].seconds)


def test_searches_survive_the_line():
    search = a_search()
    line = encode_search(search)
    assert "\n" not in line
    assert decode_search(line) == search


@pytest.mark.parametrize(
    ("error", "kind", "message"),
    [
        (InputError("wrong\nshape"), InputError, r"^wrong\nshape$"),
        (RuntimeError("odd"), MeltpointError, r"^Training average / frozen failed: odd\nTRACE$"),
    ],
)
def test_errors_survive_the_line(error, kind, message):
    line = encode_error(error, "TRACE")
    assert "\n" not in line
    with pytest.raises(kind, match=message) as caught:
        decode_answer(line, a_search())
    assert type(caught.value) is kind
