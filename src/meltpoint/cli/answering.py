"""Answers, batch after batch, while the next batches are read."""

from collections import deque
from collections.abc import Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, BinaryIO

import msgspec
import torch

from meltpoint.cli.input_lines import InputBatch
from meltpoint.handover import Predictor
from meltpoint.tasks import json_rows

# Fewer are answered where they were read: somebody may be waiting for them, and no time is to be won.
_FEW_QUERIES = 256
_MAX_THREADS = 8


def write_answers(batches: Iterable[InputBatch], predictor: Predictor, out: BinaryIO, *, numbered: bool) -> None:
    """Writes a JSON line for each query, in order, each batch as soon as it is answered.

    One thread reads and looks words up; others let the model read, make lines of what it says, and write them, each
    when the batch before is written. The model computes in one thread: many small products, each shared by all
    processors, wait for one another most of the time, the more so where something else is running.

    Args:
        batches: What is asked.
        predictor: Answers it.
        out: Where the lines go.
        numbered: Whether each line begins with the number of its query.
    """
    encoder = msgspec.json.Encoder()

    def answer(batch: InputBatch, read: Any, before: Future[None] | None) -> None:
        columns = predictor.output_columns(read)
        if numbered:
            columns = {"line": batch.numbers, **columns}
        lines = encoder.encode_lines(json_rows(columns))
        if before is not None:
            before.result()
        out.write(lines)
        out.flush()

    num_threads = torch.get_num_threads()
    torch.set_num_threads(1)
    waiting: deque[Future[None]] = deque()
    with ThreadPoolExecutor(min(num_threads, _MAX_THREADS), initializer=torch.set_num_threads, initargs=(1,)) as pool:
        try:
            for batch in batches:
                read = predictor.read(batch.queries)
                # What has been read ahead must not fill the memory.
                while waiting and (waiting[0].done() or len(waiting) > num_threads):
                    waiting.popleft().result()
                before = waiting[-1] if waiting else None
                if before is None and len(batch.queries) < _FEW_QUERIES:
                    answer(batch, read, None)
                else:
                    waiting.append(pool.submit(answer, batch, read, before))
        finally:
            torch.set_num_threads(num_threads)
            # A bad line is told after the answers to those before it.
            for future in waiting:
                future.result()
