"""What an export is given, and what an exporter is."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from meltpoint.handover.model_folder import TrainedModel


@dataclass(frozen=True, kw_only=True, eq=False)
class Handed:
    """A trained model and the table that leaves with it.

    Attributes:
        trained: The model.
        words: V words: the pad and the unknown word, the words that training saw, then any further ones.
        rows: Shape (V, D), float32: their vectors.
        counts: Shape (V,), int64: how often training saw each.
        title: What the model is called in headings.
    """

    trained: TrainedModel
    words: Sequence[str]
    rows: NDArray[np.float32]
    counts: NDArray[np.int64]
    title: str


class Exporter(Protocol):
    """One way in which a model leaves. A new one is one class like this and one line in ``EXPORTERS``.

    Attributes:
        name: As written after ``--to``.
        summary: One line.
        suffixes: Endings of the one file that is written; none where a folder is.
        requires: Modules that must be installed, and the extra that brings them.
    """

    @property
    def name(self) -> str: ...  # noqa: D102
    @property
    def summary(self) -> str: ...  # noqa: D102
    @property
    def suffixes(self) -> tuple[str, ...]: ...  # noqa: D102
    @property
    def requires(self) -> Mapping[str, str]: ...  # noqa: D102

    def write(self, handed: Handed, place: Path) -> None:
        """Writes the file ``place``, or files into the empty folder ``place``."""
        ...

    def loading(self, place: str) -> str:
        """Returns Python lines that load what stands at ``place``."""
        ...
