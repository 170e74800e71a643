"""scikit-learn: a classifier of texts over pretrained word vectors."""

import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils import Tags
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted

from meltpoint.durations import parse_seconds
from meltpoint.errors import InputError
from meltpoint.vectors import Vectors, open_vectors

if TYPE_CHECKING:
    from meltpoint.handover import Predictor
    from meltpoint.run import StudyOptions

AUTO = "auto"


class EmbeddingClassifier(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """Classifies texts by a small network over word vectors, frozen or fine-tuned as the data ask for.

    ``fit`` searches the learning rate and the policy's own settings on validation rows, then trains on all rows. With
    ``policy="auto"`` it first runs a whole study (:func:`meltpoint.study`) and takes what that recommends.

    The words of new texts that training never saw are read by their pretrained vectors, for which the vectors must be
    where they were.

    Attributes:
        classes_: The C classes, sorted.
        policy_: The policy that was used.
        trained_: The model (:class:`meltpoint.handover.TrainedModel`), with its embedding and vocabulary.
        verdict_: The verdict of the study as data; None unless ``policy="auto"``.
    """

    def __init__(
        self,
        vectors: str | Vectors = "glove-6b-50d",
        *,
        policy: str = AUTO,
        architecture: str = "average",
        budget: float | str | None = None,
        search: int = 4,
        repeats: int = 40,
        folds: int = 5,
        unknown: str = "matched-normal",
        max_tokens: int = 256,
        random_state: int = 0,
        n_jobs: int | None = None,
        device: str = "cpu",
    ) -> None:
        """Takes the settings; nothing is read or checked before ``fit``.

        Args:
            vectors: What :func:`meltpoint.open_vectors` takes, or opened vectors.
            policy: The name of a policy, or ``auto``: whichever a study recommends.
            architecture: As written on the command line: ``average``, ``cnn``, ``package.module:name``.
            budget: Where ``policy`` is ``auto``: how long the study may take, in seconds or as ``10m``.
            search: Configurations tried per policy.
            repeats: Where ``policy`` is ``auto``: the study ends after so many at the latest.
            folds: Test folds of the study; a given policy holds one such fold back in its search.
            unknown: Start of words without a vector.
            max_tokens: Longer texts are cut.
            random_state: The master seed.
            n_jobs: Worker processes of the study; None trains in this process, -1 is one per core.
            device: ``cpu``, ``cuda`` or ``auto``.
        """
        self.vectors = vectors
        self.policy = policy
        self.architecture = architecture
        self.budget = budget
        self.search = search
        self.repeats = repeats
        self.folds = folds
        self.unknown = unknown
        self.max_tokens = max_tokens
        self.random_state = random_state
        self.n_jobs = n_jobs
        self.device = device

    def fit(self, X: Iterable[str], y: ArrayLike) -> "EmbeddingClassifier":  # noqa: N803 - scikit-learn's names
        """Trains.

        Args:
            X: N texts: a list, an array, a column of a frame.
            y: N labels.

        Returns:
            Itself.

        Raises:
            InputError: ``X`` are not texts, there are too few of a class, or a setting cannot be.
        """
        texts = _texts_of(X)
        check_classification_targets(y)
        classes, numbers = np.unique(np.asarray(y), return_inverse=True)
        if len(texts) != len(numbers):
            raise InputError(
                f"fit needs one label for each text; found {len(texts):,} texts and {len(numbers):,} labels."
            )
        if len(classes) < 2:
            raise InputError(f"fit needs texts of at least 2 classes; found {len(classes)} class: {classes.tolist()}.")
        vectors = self.vectors if isinstance(self.vectors, Vectors) else open_vectors(self.vectors)
        # As numbers, which meltpoint keeps in their order: that of ``classes_``.
        labels = [str(number) for number in numbers.tolist()]
        train = self._study if self.policy == AUTO else self._train
        trained, self.verdict_ = train(texts, labels, vectors)
        config = replace(trained.config, classes=tuple(map(str, classes.tolist())))
        self.trained_ = replace(trained, config=config)
        self.classes_: NDArray[Any] = classes
        self.policy_: str = config.policy
        self._predictor: Predictor | None = None
        return self

    def predict_proba(self, X: Iterable[str]) -> NDArray[np.float64]:  # noqa: N803
        """Returns the probability of each class for each text, shape (N, C), float64, in the order of ``classes_``."""
        check_is_fitted(self)
        from meltpoint.handover import make_predictor  # noqa: PLC0415 - imports torch

        if self._predictor is None:
            self._predictor = make_predictor(self.trained_)
        found = [list(one.probabilities.values()) for one in self._predictor.predict(_texts_of(X))]
        probabilities = np.array(found, dtype=np.float64).reshape(len(found), len(self.classes_))
        # The model adds up in float32; scikit-learn's scores want 1 to the last digit.
        probabilities /= probabilities.sum(axis=1, keepdims=True)
        return probabilities

    def predict(self, X: Iterable[str]) -> NDArray[Any]:  # noqa: N803
        """Returns the most probable class of each text, shape (N,)."""
        best = self.predict_proba(X).argmax(axis=1)
        chosen: NDArray[Any] = self.classes_[best]
        return chosen

    def save(self, folder: str | Path) -> None:
        """Writes a model folder, for ``meltpoint predict`` and ``meltpoint export``; an existing one is replaced."""
        check_is_fitted(self)
        from meltpoint.handover import save_model  # noqa: PLC0415

        save_model(self.trained_, Path(folder))

    def _study(self, texts: list[str], labels: list[str], vectors: Vectors) -> tuple[Any, Any]:
        from meltpoint.run import MODEL, study  # noqa: PLC0415 - imports torch

        seconds = parse_seconds(str(self.budget), name="budget") if self.budget is not None else None
        workers = {None: 0, -1: None}.get(self.n_jobs, self.n_jobs)
        run = study(
            texts,
            labels,
            vectors=vectors,
            options=self._options(),
            budget_seconds=seconds,
            workers=None if self.device != "cpu" else workers,
            device=self.device,
        )
        if not (run.folder / MODEL).is_dir():
            raise InputError(
                f"The study had no time for a single repeat within the budget of {self.budget}; give it more, or name "
                "a policy."
            )
        return run.model(), run.verdict

    def _train(self, texts: list[str], labels: list[str], vectors: Vectors) -> tuple[Any, Any]:
        from meltpoint.run import prepare_material, train_policy  # noqa: PLC0415 - imports torch
        from meltpoint.text import corpus_from_lists, tokenizer_for  # noqa: PLC0415

        material = prepare_material(corpus_from_lists(texts, labels), vectors, tokenizer_for(vectors))
        with tempfile.TemporaryDirectory(prefix="meltpoint-model-") as folder:
            out = Path(folder) / "model"
            training = train_policy(material, self._options(), self.policy, out, device=self.device)
        return training.trained, None

    def _options(self) -> "StudyOptions":
        from meltpoint.run import StudyOptions  # noqa: PLC0415 - imports torch

        return StudyOptions(
            architectures=(self.architecture,),
            seed=self.random_state,
            search_trials=self.search,
            max_repeats=self.repeats,
            num_folds=self.folds,
            unknown=self.unknown,
            max_tokens=self.max_tokens,
        )

    def __getstate__(self) -> dict[str, Any]:
        """Leaves opened vectors out, which are mapped from disk: what is loaded again opens them by their source."""
        state: dict[str, Any] = dict(super().__getstate__())
        if "_predictor" in state:
            state["_predictor"] = None
        if isinstance(self.vectors, Vectors):
            state["vectors"] = self.vectors.source
        return state

    def __sklearn_tags__(self) -> Tags:
        """Says that this takes texts, not a matrix."""
        tags: Tags = super().__sklearn_tags__()
        tags.input_tags.string = True
        tags.input_tags.two_d_array = False
        tags.input_tags.one_d_array = True
        return tags


def _texts_of(given: Iterable[str]) -> list[str]:
    """Returns the texts of a list, an array, a series, or a frame of one column."""
    if isinstance(given, str | bytes):
        raise InputError(f"Expected several texts, found the single string {given!r}; put it into a list.")
    shape: Sequence[int] | None = getattr(given, "shape", None)
    if shape is not None and len(shape) != 1:
        if len(shape) != 2 or shape[1] != 1:
            raise InputError(
                f"Expected a text for each row, found an array of shape {tuple(shape)}; choose one column."
            )
        given = np.asarray(given)[:, 0]
    texts = list(given)
    wrong = next((row for row, text in enumerate(texts) if not isinstance(text, str)), None)
    if wrong is not None:
        raise InputError(
            f"Expected texts, found {type(texts[wrong]).__name__} in row {wrong:,} (counted from 0): {texts[wrong]!r}."
        )
    return [str(text) for text in texts]
