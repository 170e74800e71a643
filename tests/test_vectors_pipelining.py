"""Work in several threads: in order, bounded, and with errors where they belong."""

import threading
import time
from contextlib import closing

import pytest

from meltpoint.vectors.formats.text_files.pipelining import map_in_order


def test_results_come_in_order_whatever_takes_longer():
    def square(number):
        time.sleep(0.01 * (number % 3 == 0))
        return number * number

    results = list(map_in_order(square, iter(range(20)), num_threads=4, num_ahead=5))
    assert results == [number * number for number in range(20)]


def test_no_items():
    assert list(map_in_order(str, iter([]), num_threads=2, num_ahead=3)) == []


def test_items_are_taken_one_at_a_time_ahead_but_not_far():
    taken, at_once = [], threading.Lock()

    def items():
        for number in range(20):
            assert at_once.acquire(blocking=False)
            taken.append(number)
            time.sleep(0.001)
            at_once.release()
            yield number

    with closing(map_in_order(str, items(), num_threads=3, num_ahead=4)) as mapped:
        assert next(mapped) == "0"
        time.sleep(0.05)
        assert taken == list(range(5))
        assert list(mapped) == [str(number) for number in range(1, 20)]


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

    assert len(list(map_in_order(count, iter(range(20)), num_threads=3, num_ahead=10))) == 20
    assert most <= 3


def test_closing_early_ends_the_threads():
    before = threading.active_count()
    with closing(map_in_order(str, iter(range(100)), num_threads=2, num_ahead=3)) as mapped:
        assert next(mapped) == "0"
    assert threading.active_count() == before


def test_an_error_of_the_function_is_raised_at_its_item():
    def invert(number):
        return 6 // number

    mapped = map_in_order(invert, iter([1, 2, 0, 3]), num_threads=2, num_ahead=3)
    assert [next(mapped), next(mapped)] == [6, 3]
    with pytest.raises(ZeroDivisionError):
        next(mapped)


def test_an_error_of_the_items_comes_after_the_results_before_it():
    def items():
        yield from range(3)
        raise KeyError("damaged")

    mapped = map_in_order(str, items(), num_threads=2, num_ahead=5)
    assert [next(mapped), next(mapped), next(mapped)] == ["0", "1", "2"]
    with pytest.raises(KeyError, match="damaged"):
        next(mapped)
