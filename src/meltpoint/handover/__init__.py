"""The trained model: made, kept in a folder, and used."""

from meltpoint.handover.final_training import FinalRecipe, final_recipe, train_final, versions
from meltpoint.handover.model_folder import ModelConfig, TrainedModel, load_model, save_model
from meltpoint.handover.prediction import Prediction, Predictor, make_predictor

__all__ = [
    "FinalRecipe",
    "ModelConfig",
    "Prediction",
    "Predictor",
    "TrainedModel",
    "final_recipe",
    "load_model",
    "make_predictor",
    "save_model",
    "train_final",
    "versions",
]
