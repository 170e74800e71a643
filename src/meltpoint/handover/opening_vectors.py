"""The vectors that a model was made with, opened again."""

import warnings

from meltpoint.errors import InputError, MeltpointError
from meltpoint.handover.model_folder import TrainedModel
from meltpoint.vectors import Vectors, open_vectors


def model_vectors(trained: TrainedModel, source: str | None = None) -> Vectors:
    """Opens the vectors that a model was made with.

    Args:
        trained: The model; its config says where they were.
        source: Where they are now, if not there any more.

    Raises:
        InputError: They cannot be opened, or are not the same.
    """
    kept = trained.config.vectors
    place = source or kept["source"]
    try:
        vectors = open_vectors(place)
    except MeltpointError as error:
        raise InputError(f"The pretrained vectors of this model cannot be opened: {error}") from error
    if vectors.digest != kept["digest"]:
        raise InputError(
            f"The vectors at {place} are not those the model was made with "
            f"({kept.get('name', 'unnamed')}, digest {kept['digest']}): found {vectors.name}, digest {vectors.digest}."
        )
    return vectors


def model_vectors_or_none(trained: TrainedModel, *, consequence: str) -> Vectors | None:
    """Opens the vectors of a model; where that cannot be, a warning says why and what follows, and None comes back."""
    try:
        return model_vectors(trained)
    except InputError as error:
        warnings.warn(f"{error} Until then {consequence}.", stacklevel=3)
        return None
