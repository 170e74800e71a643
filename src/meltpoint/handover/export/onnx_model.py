"""The whole model as ONNX: token ids in, probabilities out, any number of texts of any length."""

import json
import logging
import warnings
from collections.abc import Mapping
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from meltpoint.errors import InputError, MeltpointError
from meltpoint.handover.export.base import Handed
from meltpoint.tasks.classify import CLASSIFY

MODEL, WORDS = "model.onnx", "words.json"
# Of float32 sums in another order.
TOLERANCE = 1e-5


class OnnxModel:
    """A folder: ``model.onnx``, whose metadata say the classes and how texts are cut, and ``words.json``.

    The input ``ids`` is (B, T) int64: the numbers of the words in ``words.json``, 1 for any other word, padded with 0
    on the right, at least one that is not 0 in each row. The output ``probabilities`` is (B, C) float32.
    """

    name = "onnx"
    summary = "the whole model: token ids in, probabilities out"
    suffixes = ()
    requires: Mapping[str, str] = MappingProxyType({"onnx": "onnx", "onnxscript": "onnx", "onnxruntime": "onnx"})

    def write(self, handed: Handed, place: Path) -> None:
        """Writes both files and compares the answers of onnxruntime with torch's.

        Raises:
            InputError: The model has learned another task than to classify.
            MeltpointError: torch cannot express the architecture in ONNX, or the answers differ.
        """
        trained = handed.trained
        if trained.config.task != CLASSIFY.name:
            raise InputError(
                f"--to onnx writes models that classify; this one has learned the task {trained.config.task!r}, whose "
                "answers are more than probabilities of classes. Export its vectors (--to safetensors, glove, ...)."
            )
        trained.embedding.weight = nn.Parameter(torch.from_numpy(handed.rows), requires_grad=False)
        with torch.no_grad():
            module = _Probabilities(trained.model).eval()
            _translate(module, trained.config.architecture, place / MODEL)
            metadata = {
                "classes": json.dumps(list(trained.config.classes), ensure_ascii=False),
                "tokenizer": trained.config.tokenizer,
                "max_tokens": str(trained.config.max_tokens),
            }
            _describe(place / MODEL, metadata)
            (place / WORDS).write_text(json.dumps(list(handed.words), ensure_ascii=False), encoding="utf-8")
            _compare(module, place / MODEL, num_words=len(handed.words))

    def loading(self, place: str) -> str:
        """Returns the lines that run the model."""
        return (
            "import json\n\nimport numpy as np\nimport onnxruntime\n\n"
            f'folder = "{place}"\n'
            f'words = json.load(open(f"{{folder}}/{WORDS}", encoding="utf-8"))\n'
            "number = {word: row for row, word in enumerate(words)}\n"
            f'session = onnxruntime.InferenceSession(f"{{folder}}/{MODEL}")\n'
            'ids = np.array([[number.get(word, 1) for word in ["a", "text"]]])\n'
            'print(session.run(None, {"ids": ids})[0])'
        )


class _Probabilities(nn.Module):
    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model

    def forward(self, ids: Tensor) -> Tensor:
        scores: Tensor = self.model(ids)
        return scores.softmax(dim=1)


def _translate(module: nn.Module, architecture: str, path: Path) -> None:
    """Writes the file by torch's exporter, which talks a lot, on every channel; what matters is raised.

    Its newer kind unrolls a recurrent layer to the length of its example. The older one writes it as one operation.
    """
    example = torch.tensor([[2, 3, 4, 2], [3, 2, 0, 0], [2, 0, 0, 0]]).clamp(max=_num_rows(module) - 1)
    how: dict[str, Any]
    if any(isinstance(one, nn.RNNBase) for one in module.modules()):
        how = {"dynamo": False, "dynamic_axes": {"ids": {0: "batch", 1: "length"}, "probabilities": {0: "batch"}}}
    else:
        batch, length = torch.export.Dim("batch"), torch.export.Dim("length")
        how = {"dynamo": True, "dynamic_shapes": ({0: batch, 1: length},)}
    logger = logging.getLogger("torch.onnx")
    was_disabled = logger.disabled
    try:
        logger.disabled = True
        logging.disable(logging.WARNING)
        with warnings.catch_warnings(), redirect_stdout(StringIO()):
            warnings.simplefilter("ignore")
            names: dict[str, Any] = {"input_names": ["ids"], "output_names": ["probabilities"]}
            torch.onnx.export(module, (example,), path, **names, verbose=False, **how)
    except torch.onnx.OnnxExporterError as error:
        raise MeltpointError(
            f"The architecture {architecture!r} cannot be written as ONNX: torch's exporter refuses it. The first line "
            f"of what it says: {str(error).strip().splitlines()[0]}"
        ) from error
    finally:
        logging.disable(logging.NOTSET)
        logger.disabled = was_disabled


def _describe(path: Path, metadata: Mapping[str, str]) -> None:
    """Writes metadata into the file, and into nothing else: weights in a file beside it stay there."""
    import onnx  # noqa: PLC0415

    model = onnx.load(path, load_external_data=False)
    onnx.helper.set_model_props(model, dict(metadata))
    onnx.save(model, path)


def _num_rows(module: nn.Module) -> int:
    return next(one.num_embeddings for one in module.modules() if isinstance(one, nn.Embedding))


def _compare(module: nn.Module, path: Path, *, num_words: int) -> None:
    """Checks on batches of several sizes that onnxruntime answers as torch does."""
    import onnxruntime  # noqa: PLC0415

    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    for batch, length in ((1, 1), (2, 7), (5, 30)):
        # Any ids will do, as long as they are always the same and some rows are padded.
        ids = 1 + np.arange(batch * length, dtype=np.int64).reshape(batch, length) * 7919 % max(1, num_words - 1)
        for row in range(batch):
            ids[row, max(1, length - 3 * row) :] = 0
        (found,) = session.run(None, {"ids": ids})
        expected = module(torch.from_numpy(ids)).numpy()
        difference = float(np.abs(found - expected).max())
        if not difference <= TOLERANCE:
            raise MeltpointError(
                f"The ONNX model does not answer as the model does: probabilities of {batch} texts of {length} words "
                f"differ by {difference:.2g}, more than {TOLERANCE:g}. Nothing was written; please report it."
            )
