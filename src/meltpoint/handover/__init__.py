"""The trained model: made, kept in a folder, used, and exported.

The names below are loaded when they are first used: predicting needs nothing of what trained the model, and starts at
once without it.
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from meltpoint.handover.benchmarks import BenchmarkChange, compare_on_benchmarks, compare_on_installed
    from meltpoint.handover.export import EXPORTERS, Exported, export_model
    from meltpoint.handover.final_training import FinalRecipe, final_recipe, train_final, versions
    from meltpoint.handover.mixed_space import tuned_space, tuned_vectors
    from meltpoint.handover.model_folder import ModelConfig, TrainedModel, load_model, save_model
    from meltpoint.handover.opening_vectors import model_vectors
    from meltpoint.handover.prediction import Prediction, Predictor, make_predictor
    from meltpoint.handover.unseen_words import UnseenReading, UnseenWords

_HOMES = {
    "benchmarks": ("BenchmarkChange", "compare_on_benchmarks", "compare_on_installed"),
    "export": ("EXPORTERS", "Exported", "export_model"),
    "final_training": ("FinalRecipe", "final_recipe", "train_final", "versions"),
    "model_folder": ("ModelConfig", "TrainedModel", "load_model", "save_model"),
    "opening_vectors": ("model_vectors",),
    "prediction": ("Prediction", "Predictor", "make_predictor"),
    "mixed_space": ("tuned_space", "tuned_vectors"),
    "unseen_words": ("UnseenReading", "UnseenWords"),
}
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names}

__all__ = [
    "EXPORTERS",
    "BenchmarkChange",
    "Exported",
    "FinalRecipe",
    "ModelConfig",
    "Prediction",
    "Predictor",
    "TrainedModel",
    "UnseenReading",
    "UnseenWords",
    "compare_on_benchmarks",
    "compare_on_installed",
    "export_model",
    "final_recipe",
    "load_model",
    "make_predictor",
    "model_vectors",
    "save_model",
    "train_final",
    "tuned_space",
    "tuned_vectors",
    "versions",
]


def __getattr__(name: str) -> Any:
    if name not in _HOME_OF:
        raise AttributeError(f"module 'meltpoint.handover' has no attribute {name!r}")
    return getattr(importlib.import_module(f"meltpoint.handover.{_HOME_OF[name]}"), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
