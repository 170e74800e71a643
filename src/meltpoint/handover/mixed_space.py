"""The space of a trained model: the words that it moved, and those that it left where they were."""

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from meltpoint.embedding import policy_class
from meltpoint.embedding.drift import Space
from meltpoint.errors import InputError
from meltpoint.handover.model_folder import TrainedModel
from meltpoint.vectors import Vectors
from meltpoint.vectors.replacing import replace_rows

FREQUENT_WORDS = 10_000


def tuned_space(trained: TrainedModel, vectors: Vectors, *, asked: Sequence[str] = ()) -> Space:
    """Puts a model's words beside the vectors that they came from.

    The space holds the words that training met and the vectors know; the unseen ones among the first
    :data:`FREQUENT_WORDS` of the vectors (most files are sorted by frequency); and the words asked for. Words without a
    pretrained vector have no "before" and are left out, as are pad and unknown row.

    Args:
        trained: The model.
        vectors: The vectors that it was made with.
        asked: Words that must be there.

    Raises:
        InputError: A word asked for has no vector, the policy starts from random rows, or the table has another width.
    """
    if not policy_class(trained.config.policy).reads_unseen_words:
        raise InputError(
            f"The policy {trained.config.policy!r} starts from random rows: its words have no pretrained vectors that "
            "they could have moved from. Look at a model of another policy."
        )
    table = trained.embedding.weight.detach().cpu().numpy()
    if table.shape[1] != vectors.dim:
        raise InputError(
            f"The table of the model is {table.shape[1]} wide and the vectors have {vectors.dim} dimensions: there is "
            "no telling what moved."
        )
    met, counts = trained.vocabulary.words[2:], trained.vocabulary.counts[2:]
    before, found = vectors.gather(met)
    others = [word for word in (*vectors.words[:FREQUENT_WORDS], *asked) if word not in trained.vocabulary]
    others = list(dict.fromkeys(others))
    unseen, there = vectors.gather(others)
    words = [word for word, known in zip(met, found.tolist(), strict=True) if known]
    words += [word for word, known in zip(others, there.tolist(), strict=True) if known]
    if missing := sorted(set(asked) - set(words)):
        raise InputError(
            f"expected words that {vectors.name} has vectors for, found none for {', '.join(map(repr, missing))}: a "
            "word without a pretrained vector has nothing to be compared with."
        )
    return Space(
        words=tuple(words),
        before=np.concatenate([before[found], unseen[there]]),
        after=np.concatenate([table[2:][found], read_unseen(trained, unseen[there])]),
        counts=np.concatenate([counts[found], np.zeros(int(there.sum()), dtype=np.int64)]),
    )


def read_unseen(trained: TrainedModel, rows: NDArray[np.float32]) -> NDArray[np.float32]:
    """Returns ``(U, D)``: the rows as the model reads words that are not in its table."""
    first = trained.embedding.num_embeddings
    with torch.inference_mode(), trained.embedding.extended(torch.from_numpy(rows)):
        read: NDArray[np.float32] = trained.embedding(torch.arange(first, first + len(rows))).cpu().numpy()
    return read


def tuned_vectors(trained: TrainedModel, vectors: Vectors) -> Vectors:
    """Returns the vectors with the rows that training moved in place of the old ones."""
    words = trained.vocabulary.words[2:]
    rows = trained.embedding.weight.detach().cpu().numpy()[2:]
    return replace_rows(vectors, words, rows, name=f"{vectors.name}, tuned")
