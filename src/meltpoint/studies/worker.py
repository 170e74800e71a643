"""A worker process: reads one search a line on standard input, answers its results in one line on standard output."""

import os
import queue
import signal
import sys
import threading
import traceback
from pathlib import Path

from meltpoint.studies.executors.data_folder import discard
from meltpoint.studies.messages import decode_search, encode_answer, encode_error
from meltpoint.studies.recording import record_search
from meltpoint.studies.single_thread import single_thread
from meltpoint.trial import TrialData


def main(folder: Path, device: str) -> None:
    """Serves until standard input ends, as it does when the study is killed; then nothing is left of either."""
    # Ctrl-C reaches the whole process group; the study decides what becomes of its workers.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # What a user's module prints must not get between the answers.
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "w", encoding="utf-8")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    searches: queue.SimpleQueue[str] = queue.SimpleQueue()
    threading.Thread(target=_listen, args=(searches, folder), daemon=True).start()
    data = TrialData.load(folder)
    with single_thread():
        while True:
            try:
                answer = encode_answer(record_search(decode_search(searches.get()), data, device=device))
            except Exception as error:  # noqa: BLE001 - passed on whole to the study, which raises it
                answer = encode_error(error, traceback.format_exc())
            try:
                answers.write(answer + "\n")
                answers.flush()
            except BrokenPipeError:
                return


def _listen(searches: "queue.SimpleQueue[str]", folder: Path) -> None:
    """Takes searches in. A study that ends well kills its workers: the end of the input means that it was killed."""
    for line in sys.stdin:
        searches.put(line)
    discard(folder)
    # In the midst of a search, for which nobody waits any more.
    os._exit(0)


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
