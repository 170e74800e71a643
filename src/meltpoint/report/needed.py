"""What an undecided study would still take, in a sentence."""

from meltpoint.report.schema import Document


def needed_sentence(document: Document, minutes: float | None = None) -> str:
    """Says how many further repeats would decide, how long they take here, and how to go on.

    Args:
        document: As in ``verdict.json``.
        minutes: That the repeats take, as in ``run.json``; it differs between machines.

    Returns:
        The sentence; empty where no further repeats are known to decide.
    """
    repeats, rows = document["needed"]["repeats"], document["needed"]["test_rows"]
    if repeats is None:
        return ""
    more = "one further repeat" if repeats == 1 else f"{repeats:,} further repeats"
    tested = "" if rows is None else f" with {rows:,} {document['unit']}s to test on"
    taking = "" if minutes is None else f", {_spoken_minutes(minutes)} on this machine,"
    if rows is not None:
        return f"By the noise measured, about {more}{taking}{tested} would decide."
    design = document["design"]
    wanted = repeats + max((int(count) for count in design["repeats"].values()), default=0)
    way = "--resume" if wanted <= design["max_repeats"] else f"--resume --repeats {wanted}"
    return f"By the noise measured, about {more}{taking} would decide: go on with {way}."


def _spoken_minutes(minutes: float) -> str:
    if minutes < 1:
        return "less than a minute"
    if minutes >= 120:
        return f"about {minutes / 60:.0f} hours"
    return f"about {minutes:.0f} minute{'' if round(minutes) == 1 else 's'}"
