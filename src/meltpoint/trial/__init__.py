"""One configuration trained and scored: a pure function of a serialisable spec."""

from meltpoint.trial.assembly import Assembly, assemble_model
from meltpoint.trial.control import TFIDF, TFIDF_STRENGTHS
from meltpoint.trial.data import TrialData, prepare_data
from meltpoint.trial.running import TrialResult, run_trial
from meltpoint.trial.spec import Schedule, SplitSpec, TrialSpec, default_schedule
from meltpoint.trial.splits import Split, rows_for, split_for
from meltpoint.trial.table import vocabulary_tokens
from meltpoint.trial.training import Examples, Scores, fit_for, score

__all__ = [
    "TFIDF",
    "TFIDF_STRENGTHS",
    "Assembly",
    "Examples",
    "Schedule",
    "Scores",
    "Split",
    "SplitSpec",
    "TrialData",
    "TrialResult",
    "TrialSpec",
    "assemble_model",
    "default_schedule",
    "fit_for",
    "prepare_data",
    "rows_for",
    "run_trial",
    "score",
    "split_for",
    "vocabulary_tokens",
]
