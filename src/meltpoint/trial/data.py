"""What every trial of a study reads: texts as token ids, labels, and the pretrained rows of the words that occur.

Made once per study and written to a folder of plain arrays, which each worker process maps into memory: the data
stand there once, whatever the number of workers.
"""

import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from meltpoint.text import PADDING, UNKNOWN, Corpus, PackedTexts, Tokenizer, pack_texts
from meltpoint.vectors import Vectors


@dataclass(frozen=True, kw_only=True, eq=False)
class TrialData:
    """The data of a study: N texts over a lexicon of L distinct tokens, D dimensions, C classes.

    Attributes:
        packed: The texts as ids into the lexicon. The lexicon only numbers tokens; it holds no statistic, and the
            vocabulary of a trial is made from its own training rows.
        label_ids: ``(N,)`` int64, the class of each text.
        num_classes: C.
        groups: ``(N,)`` int64 or None, rows that must stay together.
        is_test: ``(N,)`` bool, the rows of a test set that was given; all false if none was.
        found: ``(L,)`` bool, which tokens have a pretrained vector.
        pretrained: ``(L, D)`` float32, their vectors; zero where there is none.
    """

    packed: PackedTexts
    label_ids: NDArray[np.int64]
    num_classes: int
    groups: NDArray[np.int64] | None
    is_test: NDArray[np.bool_]
    found: NDArray[np.bool_]
    pretrained: NDArray[np.float32]

    @property
    def has_test(self) -> bool:
        """Whether a test set was given."""
        return bool(self.is_test.any())

    @cached_property
    def reserved(self) -> tuple[int, ...]:
        """Tokens of the texts that are spelled like the pad or the unknown word; they are read as unknown words."""
        return tuple(token for token, word in enumerate(self.packed.lexicon) if word in (PADDING, UNKNOWN))

    def save(self, folder: Path) -> None:
        """Writes the arrays into an existing empty folder."""
        for name, array in self._arrays().items():
            np.save(folder / f"{name}.npy", array, allow_pickle=False)
        (folder / "lexicon.json").write_text(json.dumps(self.packed.lexicon), encoding="utf-8")
        (folder / "data.json").write_text(json.dumps({"num_classes": self.num_classes}), encoding="utf-8")

    @classmethod
    def load(cls, folder: Path) -> "TrialData":
        """Maps what :meth:`save` wrote."""

        def read(name: str) -> NDArray[np.generic]:
            array: NDArray[np.generic] = np.load(folder / f"{name}.npy", mmap_mode="r", allow_pickle=False)
            return array

        lexicon = tuple(json.loads((folder / "lexicon.json").read_text(encoding="utf-8")))
        return cls(
            packed=PackedTexts(
                lexicon=lexicon, ids=read("ids").astype(np.int32), offsets=read("offsets").astype(np.int64)
            ),
            label_ids=read("label_ids").astype(np.int64),
            num_classes=int(json.loads((folder / "data.json").read_text(encoding="utf-8"))["num_classes"]),
            groups=read("groups").astype(np.int64) if (folder / "groups.npy").exists() else None,
            is_test=read("is_test").astype(np.bool_),
            found=read("found").astype(np.bool_),
            pretrained=np.load(folder / "pretrained.npy", mmap_mode="r", allow_pickle=False),
        )

    def _arrays(self) -> dict[str, NDArray[np.generic]]:
        arrays: dict[str, NDArray[np.generic]] = {
            "ids": self.packed.ids,
            "offsets": self.packed.offsets,
            "label_ids": self.label_ids,
            "is_test": self.is_test,
            "found": self.found,
            "pretrained": self.pretrained,
        }
        if self.groups is not None:
            arrays["groups"] = self.groups
        return arrays


def prepare_data(corpus: Corpus, vectors: Vectors, tokenizer: Tokenizer) -> TrialData:
    """Tokenises the corpus once and gathers the pretrained rows of its tokens."""
    packed = pack_texts(corpus.texts, tokenizer)
    rows = vectors.rows(packed.lexicon)
    found = (rows >= 0) & np.array([word not in (PADDING, UNKNOWN) for word in packed.lexicon], dtype=np.bool_)
    pretrained = np.zeros((len(packed.lexicon), vectors.dim), dtype=np.float32)
    pretrained[found] = vectors.matrix[rows[found]]
    return TrialData(
        packed=packed,
        label_ids=corpus.label_ids,
        num_classes=len(corpus.classes),
        groups=corpus.groups,
        is_test=corpus.is_test,
        found=found,
        pretrained=pretrained,
    )
