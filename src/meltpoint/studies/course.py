"""The course of a study's decisions: looks after fixed repeats, each paid for, and policies given up on the way.

All of it follows from the results in their order, and from the moments at which budgets ended; never from which trial
happened to finish first.
"""

import json
from typing import Literal

from meltpoint.studies.findings import Findings
from meltpoint.studies.judging import Judgement, Retired, judge
from meltpoint.studies.ledger import Ledger
from meltpoint.studies.plan import Search
from meltpoint.verdict import Look, default_looks, may_end

Ending = Literal["decided", "out of reach", "repeats", "budget", "interrupted"]
LOOKS = "looks"
"""The fact in the ledger that says at which repeats a stopped study has been looked at."""


class Course:
    """The looks that a study takes, from the first, whatever was finished in earlier runs."""

    def __init__(self, findings: Findings, ledger: Ledger) -> None:
        self._retired: dict[tuple[str, str], Retired] = {}
        self._findings = findings
        self._ledger = ledger
        self._taken: list[int] = []
        self._last: Judgement | None = None
        kept = tuple(json.loads(ledger.read(LOOKS) or "[]"))
        # A look once taken stays one: what it spent is spent.
        self._usual = default_looks(findings.plan.max_repeats)
        self._looks = (*kept, *(look for look in self._usual if look > max(kept, default=0)))

    def wants(self, search: Search) -> bool:
        """Whether a search is still to be trained: it is not kept already, and its policy was not given up."""
        first = search[0]
        findings = self._findings
        return first.signature not in findings.records and (first.architecture, first.policy) not in findings.retired

    def take_looks(self) -> tuple[Ending, Judgement] | None:
        """Takes the looks whose repeats are complete; returns how the study ends, once it does."""
        plan = self._findings.plan
        for look in self._looks[len(self._taken) :]:
            # Asked anew for every look: a policy given up at the one before is no longer waited for.
            wanted = plan.repeats_after(look)
            complete = self._complete_repeats()
            if any(complete[size] < repeats for size, repeats in wanted.items()):
                return None
            judgement = self._judge(wanted, look)
            self._taken.append(look)
            self._last = judgement
            if look == plan.max_repeats or self._may_end(judgement, look):
                self._keep(self._taken)
                return self._ending(judgement, look), judgement
            self._retire(judgement, look)
        return None

    def stop(self, ending: Ending) -> Judgement:
        """Returns the verdict of a study that is stopped between two looks.

        The end of a budget is a look of its own, for nobody chose it by the results. Ctrl-C is none: whoever presses it
        may have seen how the gains stand.
        """
        complete = self._complete_repeats()
        largest = complete[self._findings.plan.sizes[-1]]
        if self._last is not None and (ending == "interrupted" or largest <= self._taken[-1]):
            return self._last
        look = max(largest, 1)
        if ending == "budget" and largest:
            self._keep([*self._taken, look])
        return self._judge(complete, look)

    def _may_end(self, judgement: Judgement, look: int) -> bool:
        if self._findings.plan.until == "repeats":
            return False
        if look not in self._usual:
            # A budget ended here once, and the study was resumed: to risk little is no reason to stop again.
            return all(one.decision.word != "undecided" for one in judgement.architectures)
        later = [repeats for repeats in self._usual if repeats > look]
        return all(may_end(one.active, one.decision, later) for one in judgement.architectures)

    def _ending(self, judgement: Judgement, look: int) -> Ending:
        if judgement.enough:
            return "decided"
        return "repeats" if look == self._findings.plan.max_repeats else "out of reach"

    def _complete_repeats(self) -> dict[int, int]:
        return {size: self._findings.complete_repeats(size) for size in self._findings.plan.sizes}

    def _judge(self, num_repeats: dict[int, int], repeats: int) -> Judgement:
        plan = self._findings.plan
        looks = dict.fromkeys(plan.architectures, Look(repeats=repeats, num_policies=len(plan.candidates)))
        for one in self._last.architectures if self._last else ():
            looks[one.architecture] = one.look.followed(one.active.level, repeats)
        return judge(self._findings, num_repeats, looks=looks, retired=self._retired)

    def _retire(self, judgement: Judgement, look: int) -> None:
        for one in judgement.architectures:
            for policy in one.hopeless:
                name = (one.architecture, policy)
                self._retired[name] = Retired(comparisons=one.comparisons, standing=one.standing)
                self._findings.retired[name] = look

    def _keep(self, looks: list[int]) -> None:
        self._ledger.write(LOOKS, json.dumps(looks))
