"""The change of a gain with depth: by hand, paired, and in words."""

import re

import numpy as np
import pytest

from meltpoint.errors import InputError
from meltpoint.randomness import generator
from meltpoint.verdict import compare_depths, compare_pair

NAN = float("nan")
OPTIONS = {"family": "lstm", "policy": "fine-tuned", "design": "fixed", "train_size": 100, "level": 0.05}
R, N = 5, 400


def gains(*means, noise=0.3):
    """(R, N) gains of architectures that share most of their noise."""
    random = generator(0, "gains")
    shared = random.normal(0, 0.3, (R, N))
    return [mean + shared + random.normal(0, noise, (R, N)) for mean in means]


def test_two_depths_are_compared_as_any_pair_is():
    shallow, deep = gains(0.03, 0.01)
    effect = compare_depths({"lstm:3": deep, "lstm:1": shallow}, {"lstm:3": 3, "lstm:1": 1}, **OPTIONS)
    expected = compare_pair(deep, shallow, design="fixed", train_size=100, level=0.05)
    assert effect.difference.points == pytest.approx(expected.points)
    assert (effect.difference.low, effect.difference.high) == pytest.approx((expected.low, expected.high))
    assert (effect.shallow, effect.deep) == ("lstm:1", "lstm:3")
    assert list(effect.depths) == ["lstm:1", "lstm:3"]
    assert effect.gains["lstm:1"] == pytest.approx(100 * shallow.mean())


def test_more_depths_are_a_least_squares_line_from_end_to_end():
    depths = {"average:0": 0, "lstm:1": 1, "average:2": 2, "lstm:3": 3}
    matrices = dict(zip(depths, gains(0.05, 0.02, 0.03, 0.00), strict=True))
    effect = compare_depths(matrices, depths, **OPTIONS)
    slope, _ = np.polyfit(list(depths.values()), [100 * matrix.mean() for matrix in matrices.values()], 1)
    assert effect.difference.points == pytest.approx(3 * slope)


def test_noise_that_architectures_share_does_not_count():
    shallow, deep = gains(0.05, 0.03, noise=0.0)
    effect = compare_depths({"a:0": shallow, "a:1": deep}, {"a:0": 0, "a:1": 1}, **OPTIONS)
    assert effect.difference.points == pytest.approx(-2)
    # Rows that all agree, and the training noise to be expected of them: the rule of three and little more.
    assert effect.difference.high - effect.difference.low < 3 * 300 / N


def test_rows_that_rotate():
    shallow, deep = gains(0.05, 0.03)
    for matrix in (shallow, deep):
        for repeat in range(R):
            matrix[repeat, np.arange(N) % R != repeat] = NAN
    options = {**OPTIONS, "design": "rotating"}
    effect = compare_depths({"a:0": shallow, "a:1": deep}, {"a:0": 0, "a:1": 1}, **options)
    assert effect.difference.points == pytest.approx(100 * np.nanmean(deep - shallow))


@pytest.mark.parametrize(
    ("means", "words"),
    [
        ((0.4, 0.0), r"from \+\d+\.\d points under lstm:1 to .* under lstm:3: it shrinks with depth\."),
        ((0.0, 0.4), r"it grows with depth\."),
        (
            (0.01, 0.01),
            r"^The gain of 'fine-tuned' changes by .* points \(95% interval -.* to \+.*\) from .* not decided",
        ),
    ],
)
def test_the_sentence(means, words):
    shallow, deep = gains(*means)
    effect = compare_depths({"lstm:1": shallow, "lstm:3": deep}, {"lstm:1": 1, "lstm:3": 3}, **OPTIONS)
    assert re.search(words, effect.sentence), effect.sentence


def test_one_repeat_has_no_interval():
    shallow, deep = (matrix[:1] for matrix in gains(0.1, 0.0))
    effect = compare_depths({"a:0": shallow, "a:1": deep}, {"a:0": 0, "a:1": 1}, **OPTIONS)
    assert "one repeat does not show how sure that is" in effect.sentence
    assert "interval" not in effect.sentence


def test_what_cannot_be_compared():
    one, other = gains(0.1, 0.2)
    with pytest.raises(InputError, match=r"compared where they differ; found {'a': 1, 'b': 1}"):
        compare_depths({"a": one, "b": other}, {"a": 1, "b": 1}, **OPTIONS)
    with pytest.raises(InputError, match="All of a, b must be tested on the same rows in the same repeats"):
        compare_depths({"a": one, "b": other[:2]}, {"a": 0, "b": 1}, **OPTIONS)
