"""A curve over training sizes, fitted to a few correlated points: several shapes, weighted by how well they predict.

Every shape is linear in its coefficients, so it is fitted by generalised least squares with the covariance over sizes.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import ArrayLike
from scipy.linalg import cho_factor, cho_solve

from meltpoint.verdict.layout import Floats

Design = Callable[[Floats], Floats]
"""From (K,) sizes to the (K, C) columns that a shape's C coefficients multiply."""

CONSTANT = "constant"
LOGARITHMIC = "logarithmic"
POWER_LAW = "power law"
_EXPONENTS = tuple(step / 10 for step in range(-10, 6))
"""Of n: below 0 a curve that saturates, 0 the logarithm, above 0 one that rises ever faster over log n."""
INTERPOLATION = "interpolation"
"""The curve through every point, straight in log n between them: right for any shape, and no surer than its points."""
_RELATIVE_FLOOR = 1e-9
"""Estimates without any noise have a singular covariance; this share of the mean variance keeps it regular."""


@dataclass(frozen=True, kw_only=True, eq=False)
class _Fit:
    """One shape, fitted: its design at any sizes, coefficients and their covariance."""

    name: str
    kind: str
    design: Design
    coefficients: Floats
    covariance: Floats
    criterion: float


@dataclass(frozen=True, kw_only=True, eq=False)
class FittedCurve:
    """A curve over training sizes: the weighted mean of the shapes that were fitted.

    Attributes:
        weights: Shape to Akaike weight; they add up to 1.
    """

    fits: tuple[_Fit, ...]
    weights: dict[str, float]

    @property
    def model(self) -> str:
        """The kind of shape of the greatest weight; of a power law, its best exponent."""
        kinds: dict[str, float] = {}
        for fit in self.fits:
            kinds[fit.kind] = kinds.get(fit.kind, 0.0) + self.weights[fit.name]
        heaviest = max(kinds, key=lambda kind: kinds[kind])
        return max((fit.name for fit in self.fits if fit.kind == heaviest), key=lambda name: self.weights[name])

    def at(self, sizes: ArrayLike) -> tuple[Floats, Floats]:
        """Returns the curve and its standard error at any (K,) sizes."""
        return self._combined(np.asarray(sizes, dtype=np.float64), None)

    def change(self, start: float, end: float) -> tuple[float, float]:
        """Returns how much the curve rises from one size to another, and the standard error of that."""
        points, errors = self._combined(np.array([float(end)]), float(start))
        return float(points[0]), float(errors[0])

    def _combined(self, sizes: Floats, start: float | None) -> tuple[Floats, Floats]:
        """Averages over shapes; the variance is that of the mixture: within each shape, and between them."""
        weights = np.array([self.weights[fit.name] for fit in self.fits])[:, None]
        means, variances = [], []
        for fit in self.fits:
            design = fit.design(sizes).reshape(len(sizes), -1)
            if start is not None:
                design = design - fit.design(np.array([start])).reshape(1, -1)
            means.append(design @ fit.coefficients)
            variances.append(np.einsum("kc,cd,kd->k", design, fit.covariance, design))
        spread = np.stack(means)
        mean = (weights * spread).sum(axis=0)
        error = np.sqrt((weights * (np.maximum(variances, 0.0) + (spread - mean) ** 2)).sum(axis=0))
        return mean, error


def fit_curve(sizes: ArrayLike, points: Floats, covariance: Floats, *, interpolate: bool = True) -> FittedCurve:
    """Fits a curve over training sizes to S correlated points.

    Each shape f(n) = x(n) b is fitted by generalised least squares and judged by Akaike's criterion, which estimates
    how well it would predict new points at these sizes:

        b = (X' V^-1 X)^-1 X' V^-1 y,    AIC = (y - X b)' V^-1 (y - X b) + 2 * (number of coefficients),

    weight proportional to prior * exp(-AIC / 2). Shapes: constant; power laws a + b (n^c - 1) / c with c from -1 to 0.5
    in tenths, of which c = 0 is linear in log n, sharing one prior; and straight lines from point to point. The curve
    is the weighted mean, its variance that of the mixture, so that the choice of a shape is part of the uncertainty
    (Burnham & Anderson 2002). A single shape, chosen, would be too sure of itself.

    Args:
        sizes: (S,) rising, S at least 2.
        points: (S,) estimates.
        covariance: (S, S) of their errors.
        interpolate: Whether the line from point to point is among the shapes. It says nothing beyond the last point.

    Returns:
        The curve.
    """
    sizes = np.asarray(sizes, dtype=np.float64)
    floor = _RELATIVE_FLOOR * max(float(np.trace(covariance)) / len(sizes), _RELATIVE_FLOOR)
    factor = cho_factor(covariance + floor * np.eye(len(sizes)))
    # Sizes are counted in smallest sizes, so that no shape's coefficient is out of all proportion.
    unit = float(sizes[0])
    shapes: list[tuple[str, str, Design, float]] = [(CONSTANT, CONSTANT, np.ones_like, 1.0)]
    for exponent in _EXPONENTS:
        name = f"{POWER_LAW}, exponent {exponent:g}" if exponent else LOGARITHMIC
        rising = partial(_power_law, exponent=exponent, unit=unit)
        shapes.append((name, POWER_LAW, rising, 1 / len(_EXPONENTS)))
    if interpolate:
        shapes.append((INTERPOLATION, INTERPOLATION, partial(_hats, knots=sizes), 1.0))
    fits = []
    for name, kind, design, prior in shapes:
        at_points = design(sizes).reshape(len(sizes), -1)
        inverse = np.linalg.inv(at_points.T @ cho_solve(factor, at_points))
        coefficients = inverse @ (at_points.T @ cho_solve(factor, points))
        residual = points - at_points @ coefficients
        criterion = float(residual @ cho_solve(factor, residual)) + 2 * len(coefficients) - 2 * np.log(prior)
        fits.append(
            _Fit(
                name=name,
                kind=kind,
                design=design,
                coefficients=coefficients,
                covariance=inverse.astype(np.float64),
                criterion=criterion,
            )
        )
    least = min(fit.criterion for fit in fits)
    raw = {fit.name: float(np.exp((least - fit.criterion) / 2)) for fit in fits}
    total = sum(raw.values())
    return FittedCurve(fits=tuple(fits), weights={name: weight / total for name, weight in raw.items()})


def _power_law(sizes: Floats, *, exponent: float, unit: float) -> Floats:
    """Returns (K, 2): ones, and what the curve rises with: (n^c - 1) / c, whose limit at c = 0 is log n."""
    rise = ((sizes / unit) ** exponent - 1) / exponent if exponent else np.log(sizes / unit)
    return np.stack([np.ones_like(sizes), rise], axis=1)


def _hats(sizes: Floats, *, knots: Floats) -> Floats:
    """Returns (K, S): the weights of the S knots in a line drawn from knot to knot over log n."""
    return np.stack([np.interp(np.log(sizes), np.log(knots), one) for one in np.eye(len(knots))], axis=1)
