"""The course of a study: looks at fixed repeats, whatever finishes when; how it ends."""

import io
import re
from contextlib import closing
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from rich.console import Console

from meltpoint.randomness import generator
from meltpoint.report import verdict_document, watching
from meltpoint.run import StudyOptions, make_plan, prepare_material
from meltpoint.studies import Findings, InProcess, Ledger, conduct, course, judging
from meltpoint.studies import plan as planning
from meltpoint.text import corpus_from_lists, tokenizer_for
from meltpoint.verdict import Look

NOUNS, CUES = ["film", "plot", "scene", "actor"], ["great", "fine", "lovely", "dull", "weak", "poor"]
TEXTS = [f"{cue} {noun}" for noun in NOUNS for cue in CUES]
# Every cue is as often good as bad: there is little to learn, and training soon ends by its patience.
LABELS = [("good", "bad")[(row + row // len(CUES)) % 2] for row in range(len(TEXTS))]


class Replayed:
    """Workers that finish recorded searches in an order of their own."""

    def __init__(self, records, order, *, interrupt_after=None):
        self._records, self._order, self._interrupt_after = records, order, interrupt_after
        self._taken = []
        self.num_finished = 0

    running = property(lambda self: tuple(self._taken))
    has_room = property(lambda self: len(self._taken) < 3)

    def start(self, search):
        self._taken.append(search)

    def finished(self, timeout_seconds):
        if self.num_finished == self._interrupt_after:
            raise KeyboardInterrupt
        self.num_finished += 1
        search = self._taken.pop(int(self._order.integers(len(self._taken))))
        return [self._records[spec.signature] for spec in search]

    def __enter__(self):
        return self

    def __exit__(self, *error):
        pass


def looks(conclusion):
    """Returns the repeats of all looks that the verdict has paid for."""
    look = conclusion.judgement.architectures[0].active.look
    return [*(repeats for repeats, _ in look.before), look.repeats]


@pytest.fixture(scope="module")
def studied(glove, tmp_path_factory):
    """A small study run to its last repeat: material, plan, records and verdict."""
    material = prepare_material(corpus_from_lists(TEXTS, LABELS), glove, tokenizer_for(glove))
    # Under this seed no look before the last one ends the study.
    options = StudyOptions(
        policies=("scaled",), search_trials=1, max_repeats=4, num_folds=2, sizes=(10,), rope_points=0, seed=3
    )
    plan = make_plan(options, material.corpus, glove, material.tokenizer.name, material.data)
    conclusion, findings = run(material, plan, {}, lambda: InProcess(material.data), tmp_path_factory)
    return material, plan, findings.records, document(conclusion, material)


def run(material, plan, kept, make_executor, tmp_path_factory, **options):
    findings = Findings(plan, material.data, dict(kept))
    with closing(Ledger(tmp_path_factory.mktemp("ledger") / "study.db")) as ledger:
        conclusion = conduct(findings, ledger, make_executor, num_workers=1, **options)
        assert set(ledger.records()) == set(findings.records) - set(kept)
    return conclusion, findings


def document(conclusion, material):
    return verdict_document(conclusion, material.corpus, material.vectors, material.coverage)


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=st.integers(0, 2**32), interrupt_after=st.integers(0, 11))
def test_the_order_of_finishing_and_interruptions_change_nothing(seed, interrupt_after, studied, tmp_path_factory):
    material, plan, records, verdict = studied
    order = generator(seed, "order")
    stopped = Replayed(records, order, interrupt_after=min(interrupt_after, len(records) - 1))
    first, findings = run(material, plan, {}, lambda: stopped, tmp_path_factory)
    if first.ending != "interrupted":
        assert document(first, material) == verdict
        return
    assert len(findings.records) == stopped.num_finished
    second, _ = run(material, plan, findings.records, lambda: Replayed(records, order), tmp_path_factory)
    assert document(second, material) == verdict


def test_a_finished_study_starts_no_worker(studied, tmp_path_factory):
    material, plan, records, verdict = studied
    conclusion, _ = run(material, plan, records, None, tmp_path_factory)
    assert document(conclusion, material) == verdict


def test_a_spent_budget_ends_a_study_with_what_it_has(studied, tmp_path_factory):
    material, plan, records, _ = studied
    conclusion, findings = run(
        material, plan, {}, lambda: Replayed(records, generator(0, "order")), tmp_path_factory, budget_seconds=0.0
    )
    assert (conclusion.ending, findings.records) == ("budget", {})
    assert document(conclusion, material)["decision"] == "undecided"


def test_a_watcher_sees_the_study_go_on(studied, tmp_path_factory):
    material, plan, records, _ = studied
    seen = []
    executor = Replayed(records, generator(0, "order"))
    run(material, plan, {}, lambda: executor, tmp_path_factory, watch=seen.append)
    assert [snapshot.num_done for snapshot in seen] == list(range(1, len(seen) + 1))
    assert {snapshot.num_planned for snapshot in seen} == {12}
    left = [snapshot.seconds_left for snapshot in seen]
    assert all(seconds >= 0 for seconds in left)


@pytest.mark.parametrize(
    ("options", "quiet", "shown"),
    [
        ({"force_terminal": True}, False, r"\x1b.*of at most 12 trials.*so far: .*gain over frozen \(repeats\): "),
        ({"force_terminal": False}, False, r"^\d+ of at most 12 trials, 0:20, at most .*gain over frozen[^\x1b]*$"),
        ({"force_terminal": True}, True, r"^$"),
    ],
    ids=["terminal", "file", "quiet"],
)
def test_a_study_is_shown_as_it_stands(options, quiet, shown, studied, tmp_path_factory):
    material, plan, records, _ = studied
    seen = []
    executor = Replayed(records, generator(0, "order"))
    run(material, plan, {}, lambda: executor, tmp_path_factory, watch=seen.append)
    screen = io.StringIO()
    with watching(Console(file=screen, width=200, **options), quiet=quiet) as watch:
        for snapshot in seen:
            # Of lines, one every 20 seconds.
            watch(replace(snapshot, elapsed_seconds=19.0))
        watch(replace(seen[-1], elapsed_seconds=20.0))
    assert re.search(shown, screen.getvalue(), re.DOTALL)


def test_more_repeats_later_are_as_good_as_at_once(studied, tmp_path_factory):
    material, plan, records, _ = studied
    few = replace(plan, max_repeats=3)
    order = generator(0, "order")
    findings = Findings(few, material.data, {})
    with closing(Ledger(tmp_path_factory.mktemp("ledger") / "study.db")) as ledger:
        first = conduct(findings, ledger, lambda: Replayed(records, order), num_workers=1)
        assert (first.ending, first.judgement.num_repeats) == ("repeats", {10: 3})
        more = Findings(plan, material.data, ledger.records())
        second = conduct(more, ledger, lambda: Replayed(records, order), num_workers=1)
    at_once, _ = run(material, plan, records, None, tmp_path_factory)
    assert document(second, material) == document(at_once, material)


def test_a_decided_study_can_go_on_to_its_last_repeat(studied, tmp_path_factory, monkeypatch):
    material, plan, records, _ = studied
    monkeypatch.setattr(course, "may_end", lambda *_: True)
    ended, _ = run(material, plan, records, None, tmp_path_factory)
    on, _ = run(material, replace(plan, until="repeats"), records, None, tmp_path_factory)
    assert (ended.judgement.num_repeats, on.judgement.num_repeats) == ({10: 3}, {10: 4})
    # The look that was not needed has been paid for.
    (judged,) = on.judgement.architectures
    paid = ended.judgement.architectures[0].active.level
    assert judged.active.look == Look(repeats=4, num_policies=1, before=((3, paid),))
    assert judged.active.level == judged.active.look.level([gain.noise for gain in judged.active.candidates])


def test_a_budget_that_ends_is_a_look_and_is_paid_for(studied, tmp_path_factory):
    material, plan, records, _ = studied
    two = {signature: record for signature, record in records.items() if record.spec.split.repeat < 2}
    with closing(Ledger(tmp_path_factory.mktemp("ledger") / "study.db")) as ledger:
        stopped = conduct(
            Findings(plan, material.data, dict(two)),
            ledger,
            lambda: Replayed(records, None),
            num_workers=1,
            budget_seconds=0.0,
        )
        assert (stopped.ending, stopped.judgement.num_repeats) == ("budget", {10: 2})
        resumed = conduct(Findings(plan, material.data, dict(records)), ledger, None, num_workers=1)
    assert looks(stopped) == [2]
    assert looks(resumed) == [2, 3, 4]


def test_an_interruption_is_no_look(studied, tmp_path_factory):
    material, plan, records, _ = studied
    order = generator(1, "order")
    stopped = Replayed(records, order, interrupt_after=11)
    conclusion, _ = run(material, plan, {}, lambda: stopped, tmp_path_factory)
    assert (conclusion.ending, conclusion.judgement.num_repeats) == ("interrupted", {10: 3})
    assert looks(conclusion) == [3]


def test_beyond_patience_only_the_largest_size_is_trained(studied, tmp_path_factory, monkeypatch):
    material, plan, _, _ = studied
    monkeypatch.setattr(planning, "PATIENT_REPEATS", 3)
    two = replace(plan, sizes=(10, 12))
    ended, findings = run(material, two, {}, lambda: InProcess(material.data), tmp_path_factory)
    assert ended.judgement.num_repeats == {10: 3, 12: 4}
    trained = {(record.spec.split.size, record.spec.split.repeat) for record in findings.records.values()}
    assert trained == {(10, 0), (10, 1), (10, 2), (12, 0), (12, 1), (12, 2), (12, 3)}
    all_of_them = replace(two, until="repeats")
    on, _ = run(material, all_of_them, findings.records, lambda: InProcess(material.data), tmp_path_factory)
    assert on.judgement.num_repeats == {10: 4, 12: 4}


def test_a_policy_given_up_is_trained_no_more(studied, tmp_path_factory, monkeypatch):
    material, plan, _, _ = studied
    wide = replace(plan, policies=("frozen", "scaled", "fine-tuned"))
    full, _ = run(material, wide, {}, lambda: InProcess(material.data), tmp_path_factory)
    assert full.judgement.num_repeats == {10: 4}
    monkeypatch.setattr(
        judging, "hopeless", lambda comparison, _: ("scaled",) if len(comparison.candidates) > 1 else ()
    )
    again, findings = run(material, wide, {}, lambda: InProcess(material.data), tmp_path_factory)
    trained = [(record.spec.policy, record.spec.split.repeat) for record in findings.records.values()]
    assert ("scaled", 2) in trained
    assert ("scaled", 3) not in trained
    written = document(again, material)
    assert {policy["policy"]: (policy["repeats"], policy["given_up"]) for policy in written["policies"]} == {
        "frozen": (4, False),
        "scaled": (3, True),
        "fine-tuned": (4, False),
    }
    # Trials of later repeats that were under way by then change nothing.
    everything = full.findings.records
    order = generator(2, "order")
    in_any_order, _ = run(material, wide, {}, lambda: Replayed(everything, order), tmp_path_factory)
    assert document(in_any_order, material) == written
    resumed, _ = run(material, wide, everything, None, tmp_path_factory)
    assert document(resumed, material) == written


def test_a_resumed_study_goes_on_where_its_budget_ended(studied, tmp_path_factory, monkeypatch):
    material, plan, records, _ = studied
    monkeypatch.setattr(course, "may_end", lambda *_: True)
    two = {signature: record for signature, record in records.items() if record.spec.split.repeat < 2}
    with closing(Ledger(tmp_path_factory.mktemp("ledger") / "study.db")) as ledger:
        stopped = conduct(
            Findings(plan, material.data, dict(two)),
            ledger,
            lambda: Replayed(records, None),
            num_workers=1,
            budget_seconds=0.0,
        )
        resumed = conduct(Findings(plan, material.data, dict(records)), ledger, None, num_workers=1)
    assert stopped.judgement.architectures[0].decision.word == "undecided"
    assert (stopped.judgement.num_repeats, resumed.judgement.num_repeats) == ({10: 2}, {10: 3})
