"""A plane in which words and their movement can be drawn."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Rows = NDArray[np.float32]
Floats = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True, eq=False)
class PlaneMap:
    """Words in a plane.

    Attributes:
        before: ``(S, 2)`` where they were.
        after: ``(S, 2)`` where they are.
        explained: Share of the variance of both together that the plane shows.
    """

    before: Floats
    after: Floats
    explained: float


def project_to_plane(before: Rows, after: Rows) -> PlaneMap:
    """Projects rows ``(S, D)`` before and after training on the first two principal axes of both together.

    The axes are computed over the unit vectors, as cosines are what is read of words; each is turned so that its
    largest component is positive, so that the picture is the same every time.
    """
    both = np.concatenate([_unit(before), _unit(after)])
    if len(both) < 2:
        nothing = np.zeros((len(before), 2))
        return PlaneMap(before=nothing, after=nothing.copy(), explained=0.0)
    centred = both - both.mean(axis=0)
    values, axes = np.linalg.eigh(centred.T @ centred)
    plane = axes[:, ::-1][:, :2]
    plane = plane * np.sign(plane[np.abs(plane).argmax(axis=0), np.arange(plane.shape[1])])
    places = centred @ plane
    if places.shape[1] < 2:
        places = np.pad(places, ((0, 0), (0, 1)))
    total = float(values.sum())
    return PlaneMap(
        before=places[: len(before)],
        after=places[len(before) :],
        explained=float(values[-2:].sum()) / total if total > 0 else 0.0,
    )


def _unit(rows: Rows) -> Floats:
    exact = rows.astype(np.float64)
    lengths = np.linalg.norm(exact, axis=1, keepdims=True)
    unit: Floats = exact / np.where(lengths == 0, 1, lengths)
    return unit
