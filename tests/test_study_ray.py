"""A real Ray cluster of two nodes on this machine: the results of one process, whatever is lost on the way."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
import types
from dataclasses import replace
from pathlib import Path

import pytest

from meltpoint.errors import InputError, MeltpointError
from meltpoint.run import StudyOptions, prepare_material, run_study
from meltpoint.studies import InProcess, RayCluster, StudyPlan
from meltpoint.studies.executors import ray_cluster
from meltpoint.text import corpus_from_lists, tokenizer_for

# One after another on one worker: a cluster of this machine is found by whoever asks for any.
pytestmark = pytest.mark.xdist_group("ray")

CUES, NOUNS = ["great", "fine", "lovely", "warm", "dull", "weak", "poor", "awful"], ["film", "plot", "scene"]
TEXTS = [f"{cue} {noun}" for cue in CUES for noun in NOUNS]
LABELS = [("good", "bad")[(row + row // len(NOUNS)) % 2] for row in range(len(TEXTS))]
OPTIONS = StudyOptions(
    policies=("fine-tuned",), search_trials=2, max_repeats=3, num_folds=2, sizes=(10,), rope_points=0
)
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
import time

from meltpoint.models import build_model


def plain(embedding, num_outputs):
    print("built")
    return build_model("average", embedding, num_outputs)


def slow(embedding, num_outputs):
    time.sleep(0.3)
    return build_model("average", embedding, num_outputs)


def raising(embedding, num_outputs):
    class Homemade(Exception):
        pass

    raise Homemade("no such layer")


def leaves(embedding, num_outputs):
    os._exit(7)
"""


@pytest.fixture(scope="module")
def ray():
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    os.environ["RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO"] = "0"
    return pytest.importorskip("ray", reason="the extra ray is not installed")


@pytest.fixture(scope="module")
def own_architectures(tmp_path_factory):
    folder = tmp_path_factory.mktemp("architectures")
    (folder / "ray_architectures.py").write_text(ARCHITECTURES)
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(folder)
        yield


@pytest.fixture(scope="module")
def cluster(ray, own_architectures):
    """Two nodes of one processor each. The test process joins it once: the workers are the same throughout."""
    from ray.cluster_utils import Cluster

    node = {"num_cpus": 1, "object_store_memory": 80 * 2**20}
    cluster = Cluster(initialize_head=True, head_node_args=node)
    try:
        cluster.add_node(**node)
        ray.init(address=cluster.address, log_to_driver=False, logging_level="ERROR")
        yield cluster
    finally:
        ray.shutdown()
        cluster.shutdown()


@pytest.fixture(scope="module")
def material(glove):
    return prepare_material(corpus_from_lists(TEXTS, LABELS), glove, tokenizer_for(glove))


@pytest.fixture(scope="module")
def reference(material, tmp_path_factory):
    """The verdict of a study trained in this process."""
    folder = tmp_path_factory.mktemp("reference") / "run"
    run_study(material, OPTIONS, folder, workers=0)
    return (folder / "verdict.json").read_bytes()


def searches(architecture="average", num_repeats=2):
    plan = replace(PLAN, architectures=(architecture,))
    for repeat in range(num_repeats):
        for policy in plan.policies:
            specs = plan.policy_search(architecture, policy, repeat, 10)
            yield tuple(replace(spec, schedule=replace(spec.schedule, max_steps=40)) for spec in specs)
        yield plan.control_search(repeat, 10)


def run(executor, todo):
    """Feeds the executor as a study does; returns its records by signature, and how many searches were out at most."""
    waiting, found, most = list(todo), {}, 0
    while waiting or executor.running:
        while waiting and executor.has_room:
            executor.start(waiting.pop(0))
        most = max(most, len(executor.running))
        records = executor.finished(60)
        assert records
        found.update({record.spec.signature: record for record in records})
    return found, most


def without_seconds(record):
    fields = vars(record.result) if record.result else {}
    return {**fields, "seconds": 0, "predicted": None}, fields[
        "predicted"
    ].tobytes() if record.result.predicted is not None else None


def workers_of_ray():
    """Processes in which Ray runs our task right now."""
    for entry in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if (entry / "cmdline").read_bytes().startswith(b"ray::answer_search"):
                yield int(entry.name)


# Alone, since it would join the cluster of the other tests if that were there: `pytest -m slow -k machine_alone`.
@pytest.mark.slow
@pytest.mark.parametrize("interrupted", [False, True])
def test_a_cluster_of_this_machine_alone_ends_with_the_study(interrupted, ray, glove, tmp_path):
    """``--ray auto`` where there is no cluster; the processes of a session of its own can be told from all others."""
    (tmp_path / "data.csv").write_text("\n".join(["text,label", *map(",".join, zip(TEXTS, LABELS, strict=True))]))
    environment = {key: value for key, value in os.environ.items() if key != "RAY_ADDRESS"}
    command = [
        *(sys.executable, "-c", "from meltpoint.cli import main; main()"),
        *("study", "data.csv", "--vectors", "glove-6b-50d", "--policy", "fine-tuned", "--size", "10", "--folds", "2"),
        *("--search", "2", "--repeats", "40" if interrupted else "2", "--rope", "0", "--ray", "auto", "--out", "run"),
    ]
    process = subprocess.Popen(
        command, cwd=tmp_path, env=environment, start_new_session=True, stderr=subprocess.PIPE, text=True
    )
    if interrupted:
        wait_until(lambda: any(True for _ in processes_of(process.pid, b"ray::answer_search")), seconds=120)
        os.killpg(process.pid, signal.SIGINT)
    _, errors = process.communicate(timeout=200)
    assert process.returncode == (3 if interrupted else 0), errors
    wait_until(lambda: not list(processes_of(process.pid)))
    assert json.loads((tmp_path / "run" / "run.json").read_text())["ray"] == "auto"


def test_a_cluster_gives_the_bits_of_this_process(ray, cluster, material):
    with InProcess(material.data) as executor:
        here, _ = run(executor, searches())
    with RayCluster(material.data, cluster.address) as executor:
        there, most = run(executor, searches())
    assert most == 2  # as many searches are out as there are processors
    assert here.keys() == there.keys()
    for signature, record in here.items():
        assert without_seconds(record) == without_seconds(there[signature])
    # Whoever joined the cluster leaves it.
    assert ray.is_initialized()


@pytest.mark.skipif(not Path("/proc/self/cmdline").exists(), reason="finds Ray's workers in /proc")
def test_a_killed_worker_changes_nothing(cluster, material, reference, tmp_path):
    killed = []

    def kill_one(snapshot):
        if snapshot.num_done and not killed:
            killed.extend(list(workers_of_ray())[:1])
            for pid in killed:
                os.kill(pid, signal.SIGKILL)

    run_study(material, OPTIONS, tmp_path / "run", ray=cluster.address, watch=kill_one)
    assert killed
    assert (tmp_path / "run" / "verdict.json").read_bytes() == reference
    assert json.loads((tmp_path / "run" / "run.json").read_text())["ray"] == cluster.address


def test_a_lost_node_changes_nothing(ray, cluster, material, tmp_path):
    # Slow, so that the study does not end before a third node has joined in.
    options = replace(OPTIONS, architectures=("ray_architectures:slow",))
    reference, _ = run_study(material, options, tmp_path / "reference", workers=0)
    node = cluster.add_node(num_cpus=1, object_store_memory=80 * 2**20)
    lost = []

    def lose(snapshot):
        if len(snapshot.running) == 3 and snapshot.num_done and not lost:
            lost.append(node)
            cluster.remove_node(node, allow_graceful=False)

    def three_processors():
        return ray.cluster_resources().get("CPU") == 3

    wait_until(three_processors)
    run, _ = run_study(material, options, tmp_path / "run", ray=cluster.address, watch=lose)
    assert lost
    assert run.verdict == reference.verdict


def wait_until(condition, seconds=30):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.1)


def test_an_architecture_of_the_users_own_runs_on_the_nodes(cluster, material):
    (search,) = list(searches("ray_architectures:plain", 1))[:1]
    with RayCluster(material.data, cluster.address) as executor:
        found, _ = run(executor, [search])
    assert len(found) == 2


def test_an_architecture_that_fails_is_wrong_input(cluster, material):
    with (
        pytest.raises(InputError, match=r"ray_architectures:raising failed at .*\.py:\d+: Homemade: no such layer"),
        RayCluster(material.data, cluster.address) as executor,
    ):
        run(executor, list(searches("ray_architectures:raising", 1))[:1])


def test_an_architecture_that_only_this_process_knows_is_told(cluster, material, monkeypatch):
    module = types.ModuleType("only_here")
    module.build = None
    monkeypatch.setitem(sys.modules, "only_here", module)
    specs = tuple(replace(spec, architecture="only_here:build") for spec in next(searches()))
    message = (
        r"Cannot import the module of --architecture only_here:build: .* This is so on the node .* of the Ray cluster, "
        r"not where the study was started: install the module on every node"
    )
    with (
        pytest.raises(InputError, match=message),
        RayCluster(material.data, cluster.address) as executor,
    ):
        run(executor, [specs])


def test_a_search_that_kills_every_worker_is_given_up(cluster, material, monkeypatch):
    monkeypatch.setattr(ray_cluster, "MAX_RETRIES", 0)
    message = r"Ray gave up ray_architectures:leaves / frozen at 10 rows after 0 retries.*go on with --resume"
    with (
        pytest.raises(MeltpointError, match=message),
        RayCluster(material.data, cluster.address) as executor,
    ):
        run(executor, list(searches("ray_architectures:leaves", 1))[:1])


@pytest.mark.parametrize("address", ["127.0.0.1:1", "nowhere", "ray://127.0.0.1:1", ":"])
def test_no_cluster_at_the_address(ray, address, material, monkeypatch):
    monkeypatch.setattr(ray, "is_initialized", lambda: False)
    message = rf"--ray {address}: expected 'auto' or HOST:PORT .*'ray start --head' starts one"
    with pytest.raises(InputError, match=message), RayCluster(material.data, address):
        pass


def test_ray_that_is_not_installed_is_told(material, monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(InputError, match=r"--ray needs the package ray.*pip install 'meltpoint\[ray\]'"):
        RayCluster(material.data, "auto")


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="looks for processes in /proc")
def processes_of(session, beginning=b""):
    for entry in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            state, _, _, own = (entry / "stat").read_text().rpartition(")")[2].split()[:4]
            if int(own) == session and state != "Z" and (entry / "cmdline").read_bytes().startswith(beginning):
                yield entry.name
