"""What every trial of a study reads: texts as token ids, labels, and the pretrained rows of the words that occur.

Made once per study and written to a folder of plain arrays, which each worker process maps into memory: the data
stand there once, whatever the number of workers.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from meltpoint.tasks import Judged, find_task
from meltpoint.tasks.classify import CLASSIFY
from meltpoint.text import PADDING, UNKNOWN, Corpus, PackedTexts, Tokenizer, pack_texts
from meltpoint.vectors import Vectors


@dataclass(frozen=True, kw_only=True, eq=False)
class TrialData:
    """The data of a study: N texts over a lexicon of L distinct tokens, D dimensions, C classes.

    Attributes:
        packed: The texts as ids into the lexicon. The lexicon only numbers tokens; it holds no statistic, and the
            vocabulary of a trial is made from its own training rows.
        task: The name of the task.
        label_ids: ``(N, ...)`` int64, the targets of each row: its class, or what the task has
            (:class:`meltpoint.text.Targets`).
        classes: Names of the C classes, labels or tags.
        class_counts: ``(C,)`` int64, how often each occurs in rows that are not of a given test set.
        strata: ``(N,)`` int64, what splits are stratified by: the class, where there is one.
        groups: ``(N,)`` int64 or None, rows that must stay together.
        is_test: ``(N,)`` bool, the rows of a test set that was given; all false if none was.
        found: ``(L,)`` bool, which tokens have a pretrained vector.
        pretrained: ``(L, D)`` float32, their vectors; zero where there is none.
    """

    packed: PackedTexts
    label_ids: NDArray[np.int64]
    classes: tuple[str, ...]
    class_counts: NDArray[np.int64]
    strata: NDArray[np.int64]
    groups: NDArray[np.int64] | None
    is_test: NDArray[np.bool_]
    found: NDArray[np.bool_]
    pretrained: NDArray[np.float32]
    task: str = CLASSIFY.name

    @property
    def num_classes(self) -> int:
        """C."""
        return len(self.classes)

    @cached_property
    def units(self) -> NDArray[np.int64]:
        """``(N,)`` int64, the unit that each row is scored with: itself, or its group where the task says so."""
        if self.units_are_groups:
            assert self.groups is not None
            return self.groups
        return np.arange(len(self.label_ids))

    @property
    def units_are_groups(self) -> bool:
        """Whether a unit is a group of rows: what is scored as one, and counted in sizes."""
        return self.groups is not None and find_task(self.task).units_are_groups

    @cached_property
    def rows_per_unit(self) -> float:
        """The mean number of rows of a unit that is not of a given test set."""
        units = self.units[~self.is_test]
        return len(units) / len(np.unique(units))

    def judged(self, rows: NDArray[np.int64], predicted: NDArray[np.integer[Any]]) -> Judged:
        """Puts what was predicted for some rows beside what they are."""
        return Judged(
            labels=self.label_ids[rows],
            predicted=predicted.astype(np.int64),
            units=self.units[rows],
            classes=self.classes,
        )

    @property
    def has_test(self) -> bool:
        """Whether a test set was given."""
        return bool(self.is_test.any())

    @cached_property
    def reserved(self) -> tuple[int, ...]:
        """Tokens of the texts that are spelled like the pad or the unknown word; they are read as unknown words."""
        return tuple(token for token, word in enumerate(self.packed.lexicon) if word in (PADDING, UNKNOWN))

    def to_arrays(self) -> dict[str, NDArray[Any]]:
        """Returns plain arrays that say all of it, without a copy of the large ones."""
        arrays: dict[str, NDArray[Any]] = {
            "lexicon": np.frombuffer(json.dumps(self.packed.lexicon).encode(), dtype=np.uint8),
            "ids": self.packed.ids,
            "offsets": self.packed.offsets,
            "label_ids": self.label_ids,
            "classes": np.frombuffer(json.dumps([self.task, *self.classes]).encode(), dtype=np.uint8),
            "class_counts": self.class_counts,
            "strata": self.strata,
            "is_test": self.is_test,
            "found": self.found,
            "pretrained": self.pretrained,
        }
        if self.groups is not None:
            arrays["groups"] = self.groups
        if self.packed.seconds is not None:
            arrays["seconds"] = self.packed.seconds
        return arrays

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]]) -> "TrialData":
        """Reads :meth:`to_arrays` back; ``pretrained``, by far the largest, is used where it lies."""
        groups, seconds = arrays.get("groups"), arrays.get("seconds")
        task, *classes = json.loads(arrays["classes"].tobytes())
        return cls(
            packed=PackedTexts(
                lexicon=tuple(json.loads(arrays["lexicon"].tobytes())),
                ids=arrays["ids"].astype(np.int32),
                offsets=arrays["offsets"].astype(np.int64),
                seconds=None if seconds is None else seconds.astype(np.int64),
            ),
            label_ids=arrays["label_ids"].astype(np.int64),
            classes=tuple(classes),
            class_counts=arrays["class_counts"].astype(np.int64),
            strata=arrays["strata"].astype(np.int64),
            groups=None if groups is None else groups.astype(np.int64),
            is_test=arrays["is_test"].astype(np.bool_),
            found=arrays["found"].astype(np.bool_),
            pretrained=arrays["pretrained"],
            task=task,
        )

    def save(self, folder: Path) -> None:
        """Writes the arrays into an existing folder."""
        for name, array in self.to_arrays().items():
            np.save(folder / f"{name}.npy", array, allow_pickle=False)

    @classmethod
    def load(cls, folder: Path) -> "TrialData":
        """Maps what :meth:`save` wrote."""
        return cls.from_arrays(
            {path.stem: np.load(path, mmap_mode="r", allow_pickle=False) for path in folder.glob("*.npy")}
        )


def prepare_data(corpus: Corpus, vectors: Vectors, tokenizer: Tokenizer) -> TrialData:
    """Tokenises the corpus once and gathers the pretrained rows of its tokens."""
    packed = pack_texts(corpus.texts, tokenizer, second_texts=corpus.second_texts)
    pretrained, found = vectors.gather(packed.lexicon)
    found &= np.array([word not in (PADDING, UNKNOWN) for word in packed.lexicon], dtype=np.bool_)
    pretrained[~found] = 0
    return TrialData(
        packed=packed,
        label_ids=corpus.label_ids,
        classes=corpus.classes,
        class_counts=corpus.counts,
        strata=corpus.strata,
        groups=corpus.groups,
        is_test=corpus.is_test,
        found=found,
        pretrained=pretrained,
        task=corpus.task,
    )
