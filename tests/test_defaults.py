"""What is done where the user says nothing: the same on the command line, in Python and in scikit-learn.

The defaults stand in each signature, where people and documentation read them; the command line cannot take them from
``StudyOptions``, whose import takes seconds.
"""

import inspect

import pytest

from meltpoint.cli.study_commands import study
from meltpoint.cli.train_command import train
from meltpoint.integrations.sklearn import EmbeddingClassifier
from meltpoint.run import StudyOptions

NAMES = {
    "search": "search_trials",
    "repeats": "max_repeats",
    "folds": "num_folds",
    "rope": "rope_points",
    "random_state": "seed",
    **{name: name for name in ("seed", "unknown", "max_tokens", "until")},
}


@pytest.mark.parametrize(
    ("function", "num_shared"),
    [(study, 8), (train, 4), (EmbeddingClassifier.__init__, 6)],
    ids=["study", "train", "sklearn"],
)
def test_defaults_agree(function, num_shared):
    parameters = inspect.signature(function).parameters
    own = {NAMES[name]: parameter.default for name, parameter in parameters.items() if name in NAMES}
    options = StudyOptions()
    assert own == {name: getattr(options, name) for name in own}
    assert len(own) == num_shared
    assert parameters["architecture"].default == ",".join(options.architectures)
