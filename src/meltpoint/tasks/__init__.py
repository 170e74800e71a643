"""What is learned: how targets are read, the loss, what is predicted, and how well. A new task is one file here.

Nothing here imports torch until a loss is computed: commands that train nothing start at once.
"""

from meltpoint.errors import InputError
from meltpoint.tasks.answers import Prediction, Queries, Query
from meltpoint.tasks.classify import CLASSIFY
from meltpoint.tasks.json_rows import json_rows, may_name_a_field
from meltpoint.tasks.metrics import Judged, Metric
from meltpoint.tasks.multilabel import MULTILABEL
from meltpoint.tasks.rank import RANK
from meltpoint.tasks.tag import TAG
from meltpoint.tasks.task import Task

__all__ = [
    "TASKS",
    "Judged",
    "Metric",
    "Prediction",
    "Queries",
    "Query",
    "Task",
    "find_task",
    "json_rows",
    "may_name_a_field",
]

TASKS: dict[str, Task] = {task.name: task for task in (CLASSIFY, MULTILABEL, RANK, TAG)}


def find_task(name: str) -> Task:
    """Returns the task of that name.

    Raises:
        InputError: There is none of that name; the text lists those there are.
    """
    if name not in TASKS:
        raise InputError(f"--task must be one of {', '.join(TASKS)}; found {name!r}.")
    return TASKS[name]
