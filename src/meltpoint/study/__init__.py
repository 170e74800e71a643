"""A study: which trials, at equal search budget, where they run, what they say; kept in a ledger."""

from meltpoint.study.conducting import Conclusion, Ending, Snapshot, conduct
from meltpoint.study.executors import Executor, InProcess, WorkerProcesses
from meltpoint.study.findings import Chosen, Findings
from meltpoint.study.judging import ArchitectureJudgement, Control, Judgement
from meltpoint.study.ledger import Ledger
from meltpoint.study.plan import BASELINE, DEFAULT_POLICIES, StudyPlan, choose_sizes, training_budget
from meltpoint.study.recording import TrialRecord
from meltpoint.study.single_thread import single_thread

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
    "Snapshot",
    "StudyPlan",
    "TrialRecord",
    "WorkerProcesses",
    "choose_sizes",
    "conduct",
    "single_thread",
    "training_budget",
]
