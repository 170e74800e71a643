"""The policies, by name. A new one is one file here and one entry in :data:`POLICIES`."""

import difflib
from dataclasses import fields

from meltpoint.embedding.policies.anchored import Anchored
from meltpoint.embedding.policies.base import AdamUpdate, Policy, pretrained_embeddings
from meltpoint.embedding.policies.decayed import Decayed
from meltpoint.embedding.policies.fine_tuned import FineTuned
from meltpoint.embedding.policies.frozen import Frozen
from meltpoint.embedding.policies.gradual import Gradual
from meltpoint.embedding.policies.low_rank import LowRank
from meltpoint.embedding.policies.partial import Partial
from meltpoint.embedding.policies.projected import Projected
from meltpoint.embedding.policies.scaled import Scaled
from meltpoint.embedding.policies.scratch import Scratch
from meltpoint.embedding.policies.two_channel import TwoChannel
from meltpoint.errors import InputError

__all__ = [
    "POLICIES",
    "AdamUpdate",
    "Anchored",
    "Decayed",
    "FineTuned",
    "Frozen",
    "Gradual",
    "LowRank",
    "Partial",
    "Policy",
    "Projected",
    "Scaled",
    "Scratch",
    "TwoChannel",
    "make_policy",
    "policies",
    "policy_class",
    "pretrained_embeddings",
]

# In the order in which they are listed: the baseline first, the control last.
POLICIES: dict[str, type[Policy]] = {
    policy.name: policy
    for policy in (
        Frozen,
        FineTuned,
        Scaled,
        Decayed,
        Anchored,
        Gradual,
        Partial,
        TwoChannel,
        LowRank,
        Projected,
        Scratch,
    )
}


def policies() -> tuple[type[Policy], ...]:
    """Returns every policy class; each has a ``.name`` and a one-line ``.summary``."""
    return tuple(POLICIES.values())


def policy_class(name: str) -> type[Policy]:
    """Returns the policy class of that name.

    Raises:
        InputError: There is none; the message names near ones and lists all.
    """
    if name not in POLICIES:
        near = difflib.get_close_matches(name, POLICIES, n=1)
        hint = f" Did you mean {near[0]!r}?" if near else ""
        raise InputError(f"No policy is called {name!r}.{hint} The policies are: {', '.join(POLICIES)}.")
    return POLICIES[name]


def make_policy(name: str, **settings: float) -> Policy:
    """Makes a policy from its name and the values of its knobs.

    Raises:
        InputError: There is no such policy, or it has no such knob, or a value is out of range.
    """
    chosen = policy_class(name)
    knobs = [field.name for field in fields(chosen)]
    wrong = sorted(set(settings) - set(knobs))
    if wrong:
        raise InputError(f"Policy {name!r} has no knob {', '.join(wrong)}. Its knobs: {', '.join(knobs) or 'none'}.")
    return chosen(**settings)
