"""What all tests share: a cache of their own, the real GloVe, and the shared data where it is present."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from meltpoint.errors import InputError
from meltpoint.vectors import Vectors, open_vectors

# Two test processes on two cores: more threads would only wait for one another.
torch.set_num_threads(1)


@pytest.fixture(scope="session", autouse=True)
def cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The folder that MELTPOINT_CACHE names throughout the tests; the user's own cache is never touched."""
    folder = tmp_path_factory.mktemp("cache")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MELTPOINT_CACHE", str(folder))
        yield folder


@pytest.fixture(scope="session")
def glove(cache: Path) -> Vectors:
    """glove.6B.50d: 400,000 words of real GloVe."""
    try:
        return open_vectors("glove-6b-50d")
    except InputError as error:
        pytest.skip(f"the package with glove-6b-50d is absent: {error}")


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of labelled texts beside the repository."""
    folder = Path(__file__).resolve().parents[1].parent / "shared" / "data"
    if not folder.is_dir():
        pytest.skip(f"no shared data in {folder}")
    return folder


@pytest.fixture(scope="session")
def model_folder(glove: Vectors, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small trained model in its folder: 24 reviews, ``average``, ``fine-tuned``."""
    from meltpoint.run import StudyOptions, prepare_material, train_policy
    from meltpoint.text import corpus_from_lists, tokenizer_for

    nouns, cues = ["film", "plot", "scene", "actor"], ["great", "fine", "lovely", "dull", "weak", "poor"]
    texts = [f"{cue} {noun}" for noun in nouns for cue in cues]
    labels = ["good" if row % len(cues) < 3 else "bad" for row in range(len(texts))]
    material = prepare_material(corpus_from_lists(texts, labels), glove, tokenizer_for(glove))
    folder = tmp_path_factory.mktemp("trained") / "model"
    train_policy(material, StudyOptions(search_trials=1, num_folds=2), "fine-tuned", folder)
    return folder
