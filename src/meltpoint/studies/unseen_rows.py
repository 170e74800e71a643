"""What moving some words costs those that did not move: gains on test rows that hold words unseen in training."""

import numpy as np
from numpy.typing import NDArray

from meltpoint.studies.findings import Findings
from meltpoint.studies.plan import BASELINE
from meltpoint.trial import split_for, vocabulary_tokens
from meltpoint.verdict import SubgroupGains, compare_subgroups

LEVEL = 0.05


def compare_unseen_rows(
    findings: Findings, architecture: str, policy: str, size: int, num_repeats: int
) -> SubgroupGains | None:
    """Compares a policy with ``frozen`` on test rows that hold unseen words, and on those that hold none.

    A word is unseen where the vectors know it and none of the training rows of the repeat holds it: it is read by its
    pretrained vector, while the words around it may have moved.

    Args:
        findings: Must hold those repeats.
        architecture: The architecture.
        policy: A policy other than the baseline.
        size: The training size.
        num_repeats: R, complete repeats.

    Returns:
        The gains; None where no repeat tests rows of both kinds.
    """
    scores = {name: findings.scores(architecture, name, size, num_repeats) for name in (policy, BASELINE)}
    data = findings.data
    numbers = findings.tested_units
    group = np.zeros((num_repeats, len(numbers)), dtype=np.bool_)
    for repeat in range(num_repeats):
        rows = findings.test_rows(repeat)
        # A unit of several rows holds what any of them holds.
        group[repeat] = np.isin(numbers, data.units[rows[_hold_unseen(findings, repeat, size, rows)]])
    return compare_subgroups(
        scores[policy],
        scores[BASELINE],
        group,
        design=findings.design,
        train_size=size,
        level=LEVEL,
        clusters=findings.clusters,
    )


def _hold_unseen(findings: Findings, repeat: int, size: int, rows: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Tells which rows hold a word that the vectors know and training did not meet, among the tokens that are read."""
    data, plan = findings.data, findings.plan
    spec = plan.policy_search(plan.architectures[0], BASELINE, repeat, size)[0]
    unseen = data.found.copy()
    unseen[vocabulary_tokens(data, split_for(data, spec.split).train)] = False
    # Lexicon number + 1, so that the padding is none of them.
    table = np.concatenate([np.zeros(1, dtype=np.bool_), unseen])
    ids = data.packed.padded(rows, plan.max_tokens, np.arange(1, len(unseen) + 1))
    ids[data.packed.lengths[rows] == 0] = 0
    return np.asarray(table[ids.reshape(len(rows), -1)].any(axis=1))
