"""The update rules. A new one is one file here."""

from meltpoint.embedding.rowwise.rules.adagrad import AdagradRule
from meltpoint.embedding.rowwise.rules.adam import AdamRule
from meltpoint.embedding.rowwise.rules.base import RowRule
from meltpoint.embedding.rowwise.rules.sgd import SgdRule

__all__ = ["AdagradRule", "AdamRule", "RowRule", "SgdRule"]
