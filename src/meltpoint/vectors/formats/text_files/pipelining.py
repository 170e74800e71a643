"""Work on the blocks of a file in several threads, handed over in the file's order.

Reading, decompression, compiled code and large array operations let other threads run meanwhile. A few blocks are on
their way at a time, so that memory stays bounded; the results do not depend on how many threads there are.
"""

from collections.abc import Callable, Generator, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from queue import SimpleQueue
from threading import Lock
from typing import Any, TypeVar, cast

_Item = TypeVar("_Item")
_Result = TypeVar("_Result")


def map_in_order(
    function: Callable[[_Item], _Result], items: Iterator[_Item], *, num_threads: int, num_ahead: int
) -> Generator[_Result, None, None]:
    """Yields ``function(item)`` for each item, in the items' order, computed by several threads.

    The thread that takes an item also works on it: what it has just read is still in its processor's cache. What the
    iterator or the function raises is raised here, after the results before it.

    Args:
        function: The work; several threads do it at once.
        items: Only ever advanced by one thread at a time.
        num_threads: How many threads.
        num_ahead: How many results may be waiting or in work, beside the one that was yielded last.
    """
    lock, end = Lock(), object()
    taken: SimpleQueue[Future[Any]] = SimpleQueue()  # one for each item, in the items' order, and ``end`` after them

    def take_and_work() -> None:
        result: Future[Any] = Future()
        try:
            with lock:
                taken.put(result)
                item = next(items, end)
            result.set_result(item if item is end else function(cast("_Item", item)))
        except BaseException as error:  # noqa: BLE001 - raised again where the result is asked for
            result.set_exception(error)

    with ThreadPoolExecutor(max_workers=num_threads) as threads:
        try:
            for _ in range(num_ahead):
                threads.submit(take_and_work)
            while (result := taken.get().result()) is not end:
                threads.submit(take_and_work)
                yield result
        finally:
            threads.shutdown(cancel_futures=True)
