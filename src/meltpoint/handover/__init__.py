"""The trained model: made, kept in a folder, and used."""

from meltpoint.handover.final_training import FinalRecipe, final_recipe, train_final, versions
from meltpoint.handover.model_folder import ModelConfig, TrainedModel, load_model, save_model
from meltpoint.handover.prediction import Prediction, Predictor, make_predictor
from meltpoint.handover.unseen_words import UnseenReading, UnseenWords, open_model_vectors

__all__ = [
    "FinalRecipe",
    "ModelConfig",
    "Prediction",
    "Predictor",
    "TrainedModel",
    "UnseenReading",
    "UnseenWords",
    "final_recipe",
    "load_model",
    "make_predictor",
    "open_model_vectors",
    "save_model",
    "train_final",
    "versions",
]
