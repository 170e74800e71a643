"""A study: which trials, at equal search budget, where they run, what they say; kept in a ledger."""

from meltpoint.studies.conducting import Conclusion, Snapshot, conduct
from meltpoint.studies.course import Ending
from meltpoint.studies.deterministic import deterministic
from meltpoint.studies.executors import Executor, InProcess, RayCluster, WorkerProcesses
from meltpoint.studies.findings import Chosen, Findings
from meltpoint.studies.judging import ArchitectureJudgement, Control, Judgement
from meltpoint.studies.ledger import Ledger
from meltpoint.studies.plan import (
    BASELINE,
    DEFAULT_POLICIES,
    StudyPlan,
    Until,
    choose_policies,
    choose_sizes,
    training_budget,
)
from meltpoint.studies.recording import TrialRecord
from meltpoint.studies.single_thread import single_thread
from meltpoint.studies.unseen_rows import compare_unseen_rows

__all__ = [
    "BASELINE",
    "DEFAULT_POLICIES",
    "ArchitectureJudgement",
    "Chosen",
    "Conclusion",
    "Control",
    "Ending",
    "Executor",
    "Findings",
    "InProcess",
    "Judgement",
    "Ledger",
    "RayCluster",
    "Snapshot",
    "StudyPlan",
    "TrialRecord",
    "Until",
    "WorkerProcesses",
    "choose_policies",
    "choose_sizes",
    "compare_unseen_rows",
    "conduct",
    "deterministic",
    "single_thread",
    "training_budget",
]
