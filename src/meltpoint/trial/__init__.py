"""One configuration trained and scored: a pure function of a serialisable spec."""

from meltpoint.trial.assembly import Assembly, assemble, make_learner
from meltpoint.trial.control import TFIDF, TFIDF_STRENGTHS
from meltpoint.trial.data import TrialData, prepare_data
from meltpoint.trial.examples import Examples, Scores
from meltpoint.trial.fitting import DIVERGENCE_CAUSES, Look, fit_for
from meltpoint.trial.running import Divergence, TrialResult, run_search, run_trial
from meltpoint.trial.spec import Schedule, SplitSpec, TrialSpec, as_search, default_schedule
from meltpoint.trial.splits import Split, rows_for, split_for
from meltpoint.trial.stacked import Stacked
from meltpoint.trial.table import vocabulary_tokens

__all__ = [
    "DIVERGENCE_CAUSES",
    "TFIDF",
    "TFIDF_STRENGTHS",
    "Assembly",
    "Divergence",
    "Examples",
    "Look",
    "Schedule",
    "Scores",
    "Split",
    "SplitSpec",
    "Stacked",
    "TrialData",
    "TrialResult",
    "TrialSpec",
    "as_search",
    "assemble",
    "default_schedule",
    "fit_for",
    "make_learner",
    "prepare_data",
    "rows_for",
    "run_search",
    "run_trial",
    "split_for",
    "vocabulary_tokens",
]
