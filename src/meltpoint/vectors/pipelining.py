"""Work on the blocks of a file in several threads, handed over in the file's order.

Reading, decompression, compiled code and hashing let other threads run meanwhile. A few blocks are on their way at a
time, so that memory stays bounded; the results do not depend on how many threads there are.
"""

from collections import deque
from collections.abc import Callable, Generator, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

_Item = TypeVar("_Item")
_Result = TypeVar("_Result")


def read_ahead(items: Iterator[_Item], *, depth: int) -> Generator[_Item, None, None]:
    """Yields the items of an iterator that runs in a thread of its own, at most ``depth`` items ahead.

    What the iterator raises is raised here, after the items before it.
    """
    end = object()
    with ThreadPoolExecutor(max_workers=1) as thread:
        pending = deque(thread.submit(next, items, end) for _ in range(depth))
        while (item := pending.popleft().result()) is not end:
            pending.append(thread.submit(next, items, end))
            yield item  # type: ignore[misc]  # the end is no item


def map_in_order(
    function: Callable[[_Item], _Result], items: Iterator[_Item], *, num_threads: int
) -> Generator[tuple[_Item, _Result], None, None]:
    """Yields each item and ``function(item)``, in the items' order, computed by several threads.

    At most one item more than there are threads is taken before its turn.
    """
    pending: deque[tuple[_Item, Future[_Result]]] = deque()
    with ThreadPoolExecutor(max_workers=num_threads) as threads:
        for item in items:
            pending.append((item, threads.submit(function, item)))
            if len(pending) > num_threads:
                earliest, future = pending.popleft()
                yield earliest, future.result()
        for remaining, future in pending:
            yield remaining, future.result()
