"""Batches prepared ahead are the same batches, errors included."""

import threading
import time

import pytest

from rs3l_gnn.training.loader import EpochLoader


@pytest.mark.parametrize("prefetch", [0, 1, 3])
def test_the_order_does_not_depend_on_the_prefetching(prefetch: int) -> None:
    loader = EpochLoader(lambda number: number * number, 7, prefetch)
    assert len(loader) == 7
    assert list(loader) == list(loader) == [0, 1, 4, 9, 16, 25, 36]


@pytest.mark.parametrize("prefetch", [0, 2])
def test_an_error_reaches_the_one_who_waits(prefetch: int) -> None:
    def make(number: int) -> int:
        if number == 2:
            raise KeyError("broken")
        return number

    batches = iter(EpochLoader(make, 5, prefetch))
    assert [next(batches), next(batches)] == [0, 1]
    with pytest.raises(KeyError, match="broken"):
        next(batches)


def test_the_thread_ends_when_nobody_listens() -> None:
    batches = iter(EpochLoader(lambda number: number, 1000, 2))
    assert next(batches) == 0
    del batches
    for _ in range(100):
        if not any(thread.name == "rs3l-batches" for thread in threading.enumerate()):
            return
        time.sleep(0.05)
    pytest.fail("the thread is still there")


def test_closing_waits_for_the_batch_in_work() -> None:
    begun, done = threading.Event(), []

    def make(number: int) -> int:
        if number == 1:
            begun.set()
            time.sleep(0.3)
            done.append(number)
        return number

    loader = EpochLoader(make, 1000, 2)
    batches = iter(loader)
    assert next(batches) == 0
    assert begun.wait(10)
    loader.close()
    assert done == [1]
    assert not any(thread.name == "rs3l-batches" for thread in threading.enumerate())
    loader.close()


def test_batches_are_made_ahead() -> None:
    made = []
    third = threading.Event()

    def make(number: int) -> int:
        made.append(number)
        if number == 2:
            third.set()
        return number

    batches = iter(EpochLoader(make, 5, 2))
    next(batches)
    assert third.wait(10)
    assert made[:3] == [0, 1, 2]
