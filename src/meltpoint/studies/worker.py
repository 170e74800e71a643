"""A worker process: reads one spec a line on standard input, answers one result a line on standard output."""

import os
import signal
import sys
import traceback
from pathlib import Path

from meltpoint.studies.messages import encode_answer, encode_error
from meltpoint.studies.recording import run_one
from meltpoint.studies.single_thread import single_thread
from meltpoint.trial import TrialData, TrialSpec


def main(folder: Path) -> None:
    """Serves until standard input ends, as it does when the study is killed."""
    # Ctrl-C reaches the whole process group; the study decides what becomes of its workers.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # What a user's module prints must not get between the answers.
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "w", encoding="utf-8")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    data = TrialData.load(folder)
    with single_thread():
        for line in sys.stdin:
            try:
                answer = encode_answer(run_one(TrialSpec.from_json(line), data))
            except Exception as error:  # noqa: BLE001 - passed on whole to the study, which raises it
                answer = encode_error(error, traceback.format_exc())
            try:
                answers.write(answer + "\n")
                answers.flush()
            except BrokenPipeError:
                return


if __name__ == "__main__":
    main(Path(sys.argv[1]))
