"""Work in several threads: in order, bounded, and with errors where they belong."""

import threading
import time
from contextlib import closing

import pytest

from meltpoint.vectors.pipelining import map_in_order, read_ahead


def test_items_are_read_ahead_but_not_far():
    taken = []

    def items():
        for number in range(10):
            taken.append(number)
            yield number

    with closing(read_ahead(items(), depth=2)) as ahead:
        assert next(ahead) == 0
        time.sleep(0.02)
        assert max(taken) <= 2
        assert list(ahead) == list(range(1, 10))


def test_an_error_comes_after_the_items_before_it():
    def items():
        yield from range(3)
        raise KeyError("damaged")

    ahead = read_ahead(items(), depth=5)
    assert [next(ahead), next(ahead), next(ahead)] == [0, 1, 2]
    with pytest.raises(KeyError, match="damaged"):
        next(ahead)


def test_results_come_in_order_whatever_takes_longer():
    def square(number):
        time.sleep(0.01 * (number % 3 == 0))
        return number * number

    results = list(map_in_order(square, iter(range(20)), num_threads=4))
    assert results == [(number, number * number) for number in range(20)]


def test_few_items_are_under_way():
    at_once, most = 0, 0
    lock = threading.Lock()

    def count(_):
        nonlocal at_once, most
        with lock:
            at_once += 1
            most = max(most, at_once)
        time.sleep(0.002)
        with lock:
            at_once -= 1

    assert len(list(map_in_order(count, iter(range(20)), num_threads=3))) == 20
    assert most <= 3


def test_closing_early_ends_the_threads():
    before = threading.active_count()
    with (
        closing(read_ahead(iter(range(100)), depth=2)) as ahead,
        closing(map_in_order(str, ahead, num_threads=2)) as mapped,
    ):
        assert next(mapped) == (0, "0")
    assert threading.active_count() == before


def test_an_error_of_the_function_is_raised_at_its_item():
    def invert(number):
        return 6 // number

    mapped = map_in_order(invert, iter([1, 2, 0, 3]), num_threads=2)
    assert [next(mapped), next(mapped)] == [(1, 6), (2, 3)]
    with pytest.raises(ZeroDivisionError):
        next(mapped)
