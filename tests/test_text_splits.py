"""Folds and subsets: the properties that honest comparison rests on."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from meltpoint.errors import InputError
from meltpoint.randomness import generator
from meltpoint.text import corpus_from_lists, draw_subset, folds, require_splittable


@st.composite
def labelled(draw, *, least=2):
    """Labels of classes with at least ``least`` rows each, in any order."""
    sizes = draw(st.lists(st.integers(least, 15), min_size=2, max_size=4))
    labels = draw(st.permutations([label for label, size in enumerate(sizes) for _ in range(size)]))
    return np.array(labels, dtype=np.int64)


def subset_of(rows, labels, groups, size, *, seed=0, fraction=0.2):
    return draw_subset(
        rows, labels, groups=groups, size=size, validation_fraction=fraction, generator=generator(seed, "subset")
    )


@given(labelled(least=3), st.integers(0, 2**63 - 1))
def test_folds_test_every_row_once_and_keep_shares(labels, seed):
    divided = folds(labels, groups=None, num_folds=3, seed=seed)
    assert np.sort(np.concatenate(divided)).tolist() == list(range(len(labels)))
    for fold in divided:
        assert fold.dtype == np.int64
        assert np.abs(np.bincount(labels[fold], minlength=4) - np.bincount(labels, minlength=4) / 3).max() < 1
    again = folds(labels, groups=None, num_folds=3, seed=seed)
    assert all(np.array_equal(fold, other) for fold, other in zip(divided, again, strict=True))


@settings(max_examples=50)
@given(st.integers(4, 12), st.integers(0, 1000))
def test_folds_never_divide_a_group(num_groups, seed):
    groups = np.repeat(np.arange(num_groups), 3)
    labels = np.tile([0, 1, 1], num_groups)
    divided = folds(labels, groups=groups, num_folds=4, seed=seed)
    assert np.sort(np.concatenate(divided)).tolist() == list(range(len(labels)))
    held = [set(groups[fold]) for fold in divided]
    assert sum(map(len, held)) == num_groups


@pytest.mark.parametrize(
    ("labels", "groups", "num_folds", "text"),
    [
        ([0, 0, 1, 1, 1], None, 3, "Between 2 and 2 folds .* 2 rows of the rarest class; 3 were asked for"),
        ([0, 1] * 4, [0, 0, 1, 1, 1, 1, 1, 1], 3, "2 groups with the rarest class; 3 were asked for"),
        ([0, 1] * 4, None, 1, "Between 2 and 4 folds .* 1 were asked for"),
    ],
)
def test_folds_that_cannot_be(labels, groups, num_folds, text):
    with pytest.raises(InputError, match=text):
        folds(labels, groups=groups, num_folds=num_folds, seed=0)


@given(labelled(), st.data())
def test_subsets_are_disjoint_nested_and_of_the_size_asked(labels, data):
    rows = np.array(sorted(data.draw(st.sets(st.integers(0, len(labels) - 1), min_size=3))))
    small = data.draw(st.integers(2, len(rows)))
    large = data.draw(st.integers(small, len(rows)))
    fraction = data.draw(st.sampled_from([0.1, 0.2, 1 / 3, 0.5]))
    first, second = (subset_of(rows, labels, None, size, fraction=fraction) for size in (small, large))
    for subset, size in ((first, small), (second, large)):
        drawn = np.concatenate([subset.train, subset.validation])
        assert len(np.unique(drawn)) == len(drawn) == size
        assert np.isin(drawn, rows).all()
        assert subset.train.dtype == subset.validation.dtype == np.int64
    assert np.array_equal(second.train[: len(first.train)], first.train)
    assert np.array_equal(second.validation[: len(first.validation)], first.validation)


@given(labelled(), st.integers(0, 100), st.data())
def test_subsets_hold_every_class_at_its_share(labels, seed, data):
    num_classes = labels.max() + 1
    size = data.draw(st.integers(2 * num_classes, len(labels)))
    subset = subset_of(np.arange(len(labels)), labels, None, size, seed=seed)
    train, validation = (np.bincount(labels[part], minlength=num_classes) for part in (subset.train, subset.validation))
    counts = train + validation
    assert (train >= 1).all()
    assert validation.tolist() == np.maximum(1, np.floor(0.2 * counts + 0.5)).astype(int).tolist()
    # The floor of two rows for a rare class is paid by the others; nothing else moves a share by more than a row.
    paid = np.maximum(0, 2 - size * np.bincount(labels) / len(labels)).sum()
    assert np.abs(counts - size * np.bincount(labels) / len(labels)).max() <= 2 + paid


@given(labelled(), st.data())
def test_labels_of_other_rows_have_no_influence(labels, data):
    rows = np.array(sorted(data.draw(st.sets(st.integers(0, len(labels) - 1), min_size=4))))
    others = np.setdiff1d(np.arange(len(labels)), rows)
    changed = labels.copy()
    changed[others] = data.draw(st.permutations(labels[others].tolist()))
    before, after = (subset_of(rows, given_labels, None, 4) for given_labels in (labels, changed))
    assert np.array_equal(before.train, after.train)
    assert np.array_equal(before.validation, after.validation)


@given(labelled(), st.data())
def test_order_of_rows_has_no_influence(labels, data):
    rows = data.draw(st.permutations(range(len(labels))))
    before, after = (subset_of(given_rows, labels, None, 4) for given_rows in (np.arange(len(labels)), rows))
    assert np.array_equal(before.train, after.train)


@given(labelled(least=4), st.data())
def test_subsets_take_whole_groups(labels, data):
    groups = np.array(data.draw(st.lists(st.integers(0, 6), min_size=len(labels), max_size=len(labels))))
    size = data.draw(st.integers(2, len(labels)))
    subset = subset_of(np.arange(len(labels)), labels, groups, size)
    drawn = np.concatenate([subset.train, subset.validation])
    assert len(np.unique(drawn)) == len(drawn)
    assert size <= len(drawn) < size + np.bincount(groups).max()
    assert not set(groups[subset.train]) & set(groups[subset.validation])
    assert np.isin(groups, groups[drawn]).sum() == len(drawn), "a group is drawn whole"
    full = subset_of(np.arange(len(labels)), labels, groups, len(labels))
    assert np.array_equal(full.train[: len(subset.train)], subset.train)
    assert np.array_equal(full.validation[: len(subset.validation)], subset.validation)


def test_groups_validate_at_about_the_fraction():
    labels, groups = np.tile([0, 1, 1, 2], 200), np.repeat(np.arange(200), 4)
    subset = subset_of(np.arange(800), labels, groups, 400)
    assert (len(subset.train), len(subset.validation)) == (320, 80)


def test_seeds_differ():
    labels = np.arange(100) % 2
    assert not np.array_equal(
        *(np.sort(subset_of(np.arange(100), labels, None, 20, seed=seed).train) for seed in (0, 1))
    )


@pytest.mark.parametrize(
    ("size", "fraction", "text"),
    [
        (1, 0.2, "of 2 to 6 rows, .* found 1"),
        (7, 0.2, "found 7"),
        (4, 0.0, "above 0 .* found 0.0"),
        (4, 0.6, "found 0.6"),
    ],
)
def test_budgets_that_cannot_be(size, fraction, text):
    with pytest.raises(InputError, match=text):
        subset_of(np.arange(6), np.array([0, 1] * 3), None, size, fraction=fraction)


@pytest.mark.parametrize(
    ("labels", "num_folds", "text"),
    [
        ("aaaaaabb", 3, "at least 3 rows for 3 folds .* 'b' has 2. With 2 classes .* at least 6 labelled rows in all"),
        ("aaaaaabbb", 2, "at least 4 rows for 2 folds .* 'b' has 3"),
    ],
)
def test_too_small_to_split(labels, num_folds, text):
    with pytest.raises(InputError, match=text):
        require_splittable(corpus_from_lists(list(labels), list(labels)), num_folds)


def test_what_is_splittable_splits():
    for num_folds, each in ((2, 4), (3, 3), (5, 5)):
        labels = ["a"] * each + ["b"] * each
        corpus = corpus_from_lists(labels, labels)
        require_splittable(corpus, num_folds)
        for test in folds(corpus.label_ids, groups=None, num_folds=num_folds, seed=0):
            rows = np.setdiff1d(np.arange(corpus.num_rows), test)
            subset = subset_of(rows, corpus.label_ids, None, len(rows))
            assert set(corpus.label_ids[subset.train]) == set(corpus.label_ids[subset.validation]) == {0, 1}


def test_a_given_test_set_needs_no_folds():
    corpus = corpus_from_lists(list("aabb"), list("aabb"), test_texts=["x"], test_labels=["a"])
    require_splittable(corpus, 5)


def test_groups_are_what_is_split():
    corpus = corpus_from_lists(list("abab" * 3), list("abab" * 3), groups=[0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1])
    with pytest.raises(InputError, match=r"at least 3 groups .* 'a' has 2, 'b' has 2"):
        require_splittable(corpus, 3)
