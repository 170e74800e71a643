"""Whole jobs: a study into a run folder, a training into a model folder, the demo."""

from meltpoint.run.demo import DEMO_VECTORS, LICENCE_NOTE, demo_corpus
from meltpoint.run.drifting import model_drift, read_drift
from meltpoint.run.folder import MODEL
from meltpoint.run.options import StudyOptions, make_plan
from meltpoint.run.placing import DEVICES, Place, choose_place, find_device
from meltpoint.run.results import prediction_frame, trial_frame, write_frame
from meltpoint.run.studying import (
    Material,
    Run,
    hand_over,
    has_model_to_hand_over,
    measure,
    prepare_material,
    run_study,
    study,
)
from meltpoint.run.tracking import Tracker
from meltpoint.run.training import Training, train_policy

__all__ = [
    "DEMO_VECTORS",
    "DEVICES",
    "LICENCE_NOTE",
    "MODEL",
    "Material",
    "Place",
    "Run",
    "StudyOptions",
    "Tracker",
    "Training",
    "choose_place",
    "demo_corpus",
    "find_device",
    "hand_over",
    "has_model_to_hand_over",
    "make_plan",
    "measure",
    "model_drift",
    "prediction_frame",
    "prepare_material",
    "read_drift",
    "run_study",
    "study",
    "train_policy",
    "trial_frame",
    "write_frame",
]
