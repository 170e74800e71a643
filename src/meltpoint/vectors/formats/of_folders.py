"""The formats of several files that belong together: which is which, ``sources.layouts`` has found out."""

from meltpoint.vectors.formats.base import VectorFormat
from meltpoint.vectors.formats.npy import NpyVectors
from meltpoint.vectors.formats.safetensors import SafetensorsVectors
from meltpoint.vectors.formats.spacy import SpacyVectors
from meltpoint.vectors.formats.static_model import StaticModelVectors

FORMATS: tuple[VectorFormat, ...] = (NpyVectors(), SafetensorsVectors(), StaticModelVectors(), SpacyVectors())
"""Asked in this order."""
