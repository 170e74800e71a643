"""A trained model as a folder: config.json, vocabulary.json, model.safetensors, README.md. Never a pickle.

A model over pieces of words also holds the tokenizer.json that cuts texts into them.
"""

import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import nn

from meltpoint.embedding import PretrainedEmbedding, policy_class, pretrained_embeddings
from meltpoint.errors import DiskError, InputError, RunFolderError
from meltpoint.handover.card import CARD, LOADING, find_evidence, model_card
from meltpoint.handover.whole_folder import whole_folder
from meltpoint.models import build_model
from meltpoint.tasks import find_task
from meltpoint.tasks.classify import CLASSIFY
from meltpoint.text import OWN_TOKENIZER, OwnTokenizer, Tokenizer, Vocabulary, tokenizer_named

MODEL_SCHEMA = "meltpoint/model/2"
CONFIG, VOCABULARY, WEIGHTS = "config.json", "vocabulary.json", "model.safetensors"


@dataclass(frozen=True, kw_only=True)
class ModelConfig:
    """What is needed to build the model again and to read texts as it did.

    Attributes:
        architecture: As written, e.g. ``average``.
        policy: The policy it was trained under.
        settings: The policy's knobs, by name.
        learning_rate: Learning rate of everything but the embedding.
        steps: Training steps taken.
        rows: Rows trained on.
        classes: Names of the classes, labels or tags, in the order of the outputs.
        tokenizer: Name of the tokenizer; ``tokenizer.json`` for the one in the folder.
        max_tokens: Longer texts are cut.
        embedding_dim: D.
        vectors: Name, source, digest and licence of the pretrained vectors; words that training never saw are read
            from them.
        seed: The master seed.
        versions: Of meltpoint, torch and numpy.
        task: What it learned.
    """

    architecture: str
    policy: str
    settings: dict[str, float]
    learning_rate: float
    steps: int
    rows: int
    classes: tuple[str, ...]
    tokenizer: str
    max_tokens: int
    embedding_dim: int
    vectors: dict[str, str]
    seed: int
    versions: dict[str, str]
    task: str = CLASSIFY.name


@dataclass(frozen=True, kw_only=True)
class TrainedModel:
    """A model with what belongs to it.

    Attributes:
        config: How it was made.
        vocabulary: The words of the embedding's rows.
        model: Takes ids ``(B, T)``, returns scores ``(B, C)``, or what the task reads; in evaluation mode once loaded.
    """

    config: ModelConfig
    vocabulary: Vocabulary
    model: nn.Module

    @property
    def embedding(self) -> PretrainedEmbedding:
        """The trained embedding, V x D."""
        return pretrained_embeddings(self.model)[0]

    @property
    def reads_unseen_words(self) -> bool:
        """Whether words that training never saw are read by their pretrained vectors.

        Not under a policy that moves even their rows: what it would have made of them is not kept.
        """
        policy = policy_class(self.config.policy)
        return policy.reads_unseen_words and not policy.moves_unseen_rows


def save_model(trained: TrainedModel, folder: Path) -> None:
    """Writes a model folder; a folder of that name is replaced once the new one is whole.

    Raises:
        DiskError: It cannot be written; what stood there before still stands.
    """
    config = {"schema": MODEL_SCHEMA, **asdict(trained.config)}
    card = model_card(
        trained.config,
        len(trained.vocabulary) - 2,
        find_evidence(folder, trained.config),
        title=folder.absolute().name,
        loading=LOADING.format(folder=folder),
    )
    try:
        with whole_folder(folder) as fresh:
            (fresh / CONFIG).write_text(json.dumps(config, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
            words = json.dumps(trained.vocabulary.to_list(), ensure_ascii=False)
            (fresh / VOCABULARY).write_text(words, encoding="utf-8")
            if isinstance(trained.vocabulary.tokenizer, OwnTokenizer):
                (fresh / OWN_TOKENIZER).write_bytes(trained.vocabulary.tokenizer.content)
            weights = {name: tensor.detach().contiguous() for name, tensor in trained.model.state_dict().items()}
            save_file(weights, fresh / WEIGHTS)
            (fresh / CARD).write_text(card, encoding="utf-8")
    except (OSError, SafetensorError) as error:
        raise DiskError(
            f"Cannot write the model folder {folder}: {error}. Nothing half-written was left there."
        ) from error


def load_model(folder: str | os.PathLike[str]) -> TrainedModel:
    """Reads a model folder.

    Raises:
        RunFolderError: It is not one, or it is damaged; the message names the file.
    """
    folder = Path(folder)
    if not (folder / CONFIG).is_file():
        inside = folder / "model"
        hint = f" Did you mean {inside}?" if (inside / CONFIG).is_file() else ""
        raise RunFolderError(f"{folder} is not a model folder: it holds no {CONFIG}.{hint}")
    config = _read_json(folder / CONFIG)
    if not isinstance(config, dict) or config.pop("schema", None) != MODEL_SCHEMA:
        raise RunFolderError(f"{folder / CONFIG} is not the config of a model of this version ({MODEL_SCHEMA}).")
    try:
        known = ModelConfig(**{**config, "classes": tuple(config["classes"])})
        tokenizer = _read_tokenizer(folder, known.tokenizer)
        vocabulary = Vocabulary.from_list(_read_json(folder / VOCABULARY), tokenizer=tokenizer)
        shape = (len(vocabulary), int(known.embedding_dim))
        embedding = PretrainedEmbedding(torch.zeros(shape), torch.zeros(shape[0], dtype=torch.bool))
        task = find_task(known.task)
        model = build_model(known.architecture, embedding, task.num_outputs(known.classes), reads=task.reads)
        model.load_state_dict(_read_weights(folder / WEIGHTS))
        policy_class(known.policy)
        _check_source(known.vectors)
    except (KeyError, TypeError, ValueError, RuntimeError) as error:
        raise RunFolderError(f"The model folder {folder} is damaged or incomplete: {error}") from error
    model.eval()
    return TrainedModel(config=known, vocabulary=vocabulary, model=model)


def _check_source(vectors: Any) -> None:
    if not isinstance(vectors, dict) or not all(isinstance(vectors.get(key), str) for key in ("source", "digest")):
        raise InputError(f"the vectors should have a source and a digest, found {vectors!r}")


def _read_tokenizer(folder: Path, name: str) -> Tokenizer:
    if name != OWN_TOKENIZER:
        return tokenizer_named(name)
    path = folder / OWN_TOKENIZER
    try:
        return OwnTokenizer(path.read_bytes(), place=str(path))
    except OSError as error:
        raise RunFolderError(f"Cannot read {path}: {error}") from error


def _read_json(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise RunFolderError(f"Cannot read {path}: {error}") from error


def _read_weights(path: Path) -> Mapping[str, torch.Tensor]:
    try:
        weights: Mapping[str, torch.Tensor] = load_file(path)
    except (OSError, SafetensorError) as error:
        raise RunFolderError(f"Cannot read {path}: {error}") from error
    return weights
