"""Exports a model folder: chooses the format, gathers the rows, writes beside the place and renames."""

import importlib.util
import os
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import torch

from meltpoint.errors import DiskError, InputError
from meltpoint.handover.card import CARD, find_evidence, model_card
from meltpoint.handover.export.base import Exporter, Handed
from meltpoint.handover.export.gensim_vectors import GensimVectors
from meltpoint.handover.export.onnx_model import OnnxModel
from meltpoint.handover.export.static_model import StaticModel
from meltpoint.handover.export.torch_weights import TorchWeights
from meltpoint.handover.export.word_vectors import GLOVE, NPY, WORD2VEC, WORD2VEC_BINARY
from meltpoint.handover.model_folder import TrainedModel, load_model
from meltpoint.handover.whole_folder import whole_folder
from meltpoint.vectors import open_vectors

EXPORTERS: dict[str, Exporter] = {
    exporter.name: exporter
    for exporter in (OnnxModel(), GLOVE, WORD2VEC, WORD2VEC_BINARY, GensimVectors(), TorchWeights(), StaticModel(), NPY)
}
"""The formats, in the order in which they are listed."""

Words = Literal["trained", "all"]


@dataclass(frozen=True, kw_only=True)
class Exported:
    """What an export came to.

    Attributes:
        files: What was written.
        num_words: Words with a row, the pad and the unknown word not counted.
        dim: D.
        loading: Python lines that load it.
    """

    files: tuple[Path, ...]
    num_words: int
    dim: int
    loading: str


def export_model(
    folder: str | os.PathLike[str],
    to: str,
    out: str | os.PathLike[str],
    *,
    words: Words = "trained",
    force: bool = False,
) -> Exported:
    """Writes what was trained in the format of others, with a model card.

    Args:
        folder: A model folder.
        to: A name of :data:`EXPORTERS`.
        out: The file or folder to write; for a file, the card stands beside it as ``NAME.card.md``.
        words: ``trained``: those that training saw. ``all``: those of the vectors it started from, too, tuned where
            training saw them and as they were where it did not.
        force: Replace what an earlier export wrote there.

    Returns:
        The files, and how to load them.

    Raises:
        InputError: There is no such format, something stands in the place, a package is missing, or the further words
            cannot be read.
        DiskError: It cannot be written; what stood there before still stands.
    """
    folder, out = Path(folder), Path(out)
    exporter = _exporter(to)
    _check_place(exporter, out, force=force)
    _check_installed(exporter)
    trained = load_model(folder)
    handed = _hand(trained, words, title=folder.resolve().name)
    place = str(out)
    card = model_card(
        trained.config,
        len(handed.words) - 2,
        find_evidence(folder, trained.config),
        title=f"{handed.title}: {exporter.summary}",
        loading=exporter.loading(place),
    )
    try:
        files = (
            _write_folder(exporter, handed, card, out)
            if not exporter.suffixes
            else _write_file(exporter, handed, card, out)
        )
    except OSError as error:
        raise DiskError(f"Cannot write {out}: {error}. Nothing half-written was left there.") from error
    return Exported(
        files=files,
        num_words=len(handed.words) - 2,
        dim=int(handed.rows.shape[1]),
        loading=exporter.loading(place),
    )


def _exporter(name: str) -> Exporter:
    if name not in EXPORTERS:
        raise InputError(f"--to must be one of {', '.join(EXPORTERS)}; found {name!r}.")
    return EXPORTERS[name]


def _check_place(exporter: Exporter, out: Path, *, force: bool) -> None:
    lower = out.name.lower()
    if exporter.suffixes and not lower.endswith(exporter.suffixes):
        raise InputError(
            f"--to {exporter.name} writes a file whose name ends in {' or '.join(exporter.suffixes)}; found {out}."
        )
    if not exporter.suffixes and out.suffix and not out.is_dir():
        raise InputError(
            f"--to {exporter.name} writes a folder; give --out the name of one, without an ending: found {out}."
        )
    if exporter.suffixes and out.is_dir():
        raise InputError(f"--out {out} is a folder; --to {exporter.name} writes a file.")
    if out.exists() and not force and not (out.is_dir() and not any(out.iterdir())):
        raise InputError(f"{out} exists already; replace it by --force, or give another place.")


def _check_installed(exporter: Exporter) -> None:
    missing = {module: extra for module, extra in exporter.requires.items() if not importlib.util.find_spec(module)}
    if missing:
        extras = ",".join(sorted(set(missing.values())))
        raise InputError(
            f"--to {exporter.name} needs {', '.join(missing)}, found no such package. Install the extra: "
            f"pip install 'meltpoint[{extras}]'."
        )


def _hand(trained: TrainedModel, words: Words, *, title: str) -> Handed:
    """Gathers the rows: what training saw, and where all are wanted, the rest of the vectors it started from."""
    vocabulary = trained.vocabulary
    rows = np.ascontiguousarray(trained.embedding.weight.detach().numpy())
    if words == "trained":
        return Handed(trained=trained, words=vocabulary.words, rows=rows, counts=vocabulary.counts, title=title)
    config = trained.config
    if not trained.reads_unseen_words:
        raise InputError(
            f"--words all does not fit a model trained under {config.policy!r}: what that policy would have made of "
            "words that training never saw is not their pretrained vector. Leave --words out."
        )
    source = config.vectors
    vectors = open_vectors(source["source"])
    if vectors.digest != source["digest"]:
        raise InputError(
            f"The vectors at {source['source']} are not those the model was made with, so that their words cannot be "
            "added. Leave --words out, or put the old vectors back."
        )
    further = [
        row for row, word in enumerate(vectors.words) if word not in vocabulary and word not in {"<pad>", "<unk>"}
    ]
    added = trained.embedding.map_unseen(torch.from_numpy(vectors.matrix[further]))
    return Handed(
        trained=trained,
        words=(*vocabulary.words, *(vectors.words[row] for row in further)),
        rows=np.concatenate([rows, added.numpy()]),
        counts=np.concatenate([vocabulary.counts, np.zeros(len(further), dtype=np.int64)]),
        title=title,
    )


def _write_folder(exporter: Exporter, handed: Handed, card: str, out: Path) -> tuple[Path, ...]:
    with whole_folder(out) as fresh:
        exporter.write(handed, fresh)
        (fresh / CARD).write_text(card, encoding="utf-8")
        names = sorted(path.name for path in fresh.iterdir())
        others = sorted({path.name for path in out.iterdir()} - set(names)) if out.is_dir() else []
        if others:
            shown = ", ".join(others[:3]) + (", ..." if others[3:] else "")
            raise InputError(f"{out} holds more than an earlier export ({shown}), so that --force does not replace it.")
    return tuple(out / name for name in names)


def _write_file(exporter: Exporter, handed: Handed, card: str, out: Path) -> tuple[Path, ...]:
    """Writes the file and what belongs to it beside the place, then moves all there, the file that was named last."""
    beside = out.with_name(f"{out.name}.card.md")
    with tempfile.TemporaryDirectory(prefix=".export-", dir=out.parent) as scratch:
        exporter.write(handed, Path(scratch) / out.name)
        (Path(scratch) / beside.name).write_text(card, encoding="utf-8")
        written = sorted(Path(scratch).iterdir(), key=lambda path: (path.name == out.name, path.name))
        for path in written:
            path.replace(out.with_name(path.name))
    return tuple(out.with_name(path.name) for path in reversed(written))
