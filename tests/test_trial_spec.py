"""Specs: text there and back, and a signature that everything in them changes."""

import json
from dataclasses import fields, replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from meltpoint.errors import InputError
from meltpoint.trial import Schedule, SplitSpec, TrialSpec, as_search, default_schedule

counts = st.integers(1, 10**6)
rates = st.floats(1e-9, 1e3)
splits = st.builds(
    SplitSpec,
    seed=st.integers(0, 2**63 - 1),
    repeat=st.integers(0, 999),
    size=counts,
    num_folds=st.integers(2, 20),
    validation_fraction=st.floats(0.01, 0.5),
)
schedules = st.builds(
    Schedule,
    batch_size=counts,
    max_steps=counts,
    evaluate_every=counts,
    patience_steps=counts,
    max_tokens=counts,
    rungs=st.lists(counts, max_size=3).map(tuple),
)
specs = st.builds(
    TrialSpec,
    study=st.text(),
    architecture=st.text(),
    policy=st.text(),
    settings=st.lists(st.tuples(st.text(), rates), max_size=3).map(tuple),
    learning_rate=rates,
    unknown=st.text(),
    split=splits,
    schedule=schedules,
    search=st.text(),
)

SPEC = TrialSpec(
    study="0" * 32,
    architecture="average:1",
    policy="anchored",
    settings=(("strength", 0.1),),
    learning_rate=0.003,
    unknown="matched-normal",
    split=SplitSpec(seed=7, repeat=2, size=400, num_folds=5, validation_fraction=0.2),
    schedule=Schedule(batch_size=64, max_steps=4000, evaluate_every=20, patience_steps=300, max_tokens=256),
)


@settings(deadline=None)
@given(specs)
def test_the_text_of_a_spec_comes_back(spec):
    again = TrialSpec.from_json(spec.to_json())
    assert again == spec
    assert hash(again) == hash(spec)
    assert again.signature == spec.signature
    assert again.to_json() == spec.to_json()


@settings(deadline=None)
@given(specs, specs)
def test_signatures_are_equal_for_equal_specs_only(one, other):
    assert (one.signature == other.signature) == (one == other)


@settings(deadline=None)
@given(specs, st.data())
def test_every_field_changes_the_signature(spec, data):
    for part, values in ((None, specs), ("split", splits), ("schedule", schedules)):
        before = getattr(spec, part) if part else spec
        other = data.draw(values)
        for field in fields(before):
            changed = replace(before, **{field.name: getattr(other, field.name)})
            changed = replace(spec, **{part: changed}) if part else changed
            assert (changed.signature != spec.signature) == (changed != spec)


def test_the_signature_stays_what_it_was():
    # Ledgers written earlier are resumed by it: a change here orphans them.
    assert SPEC.signature == "578f852d205eaf9750c56f32cb44bc83"
    assert json.loads(SPEC.to_json())["settings"] == [["strength", 0.1]]
    assert SPEC.configuration == (("learning_rate", 0.003), ("strength", 0.1))


@pytest.mark.parametrize("num_train", [1, 64, 65, 400, 8000, 100_000, 1_000_000])
def test_the_schedule_counts_steps(num_train):
    schedule = default_schedule(num_train, max_tokens=256)
    epoch = -(-num_train // schedule.batch_size)
    assert schedule.max_steps == max(4000, 40 * epoch)
    # A patience of a few epochs would end the training of few rows at chance: 400 rows are 7 steps.
    assert schedule.patience_steps >= max(300, epoch)
    assert 2 * schedule.evaluate_every <= schedule.patience_steps < schedule.max_steps
    assert schedule.max_tokens == 256
    # Nobody is left behind before a patience has passed; three halvings leave one of eight.
    assert schedule.rungs == tuple(schedule.patience_steps * times for times in (1, 2, 4))
    assert schedule.rungs[-1] < schedule.max_steps


def test_no_rows_no_schedule():
    with pytest.raises(InputError, match="at least one training row"):
        default_schedule(0, max_tokens=256)


# Rivals


def rivals(*rates):
    return [replace(SPEC, learning_rate=rate) for rate in rates]


def test_a_search_is_named_by_all_who_are_in_it():
    search = as_search(rivals(0.1, 0.2))
    assert len({spec.search for spec in search}) == 1
    assert [replace(spec, search="") for spec in search] == rivals(0.1, 0.2)
    for others in (rivals(0.1), rivals(0.1, 0.3), rivals(0.2, 0.1), rivals(0.1, 0.2, 0.3)):
        assert as_search(others)[0].search != search[0].search


def test_a_search_of_a_search_is_the_same():
    search = as_search(rivals(0.1, 0.2))
    assert as_search(search) == search
    assert as_search([]) == ()


def test_the_name_of_a_search_stays_what_it_was():
    assert as_search(rivals(0.1, 0.2))[0].search == "e281ef128cab2ce8"
