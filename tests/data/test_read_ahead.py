"""Parts that are made ahead of their use."""

from __future__ import annotations

import threading
from collections.abc import Generator

import pytest

from rs3l_gnn.data.read_ahead import read_ahead


def test_order_and_how_far_ahead() -> None:
    made: list[int] = []
    ready = [threading.Event() for _ in range(5)]

    def parts() -> Generator[int]:
        for number in range(4):
            made.append(number)
            ready[number].set()
            yield number
        ready[4].set()

    seen = []
    for number in read_ahead(parts()):
        ready[number + 1].wait(10)
        assert len(made) <= number + 2  # this one and the next
        seen.append(number)
    assert seen == made == [0, 1, 2, 3]
    assert list(read_ahead(n for n in range(0))) == []


def test_an_error_comes_in_its_place() -> None:
    def parts() -> Generator[int]:
        yield 1
        raise ValueError("damaged")

    found = read_ahead(parts())
    assert next(found) == 1
    with pytest.raises(ValueError, match="damaged"):
        next(found)


def test_it_ends_where_its_user_ends() -> None:
    closed = threading.Event()

    def parts() -> Generator[int]:
        try:
            yield from range(1000)
        finally:
            closed.set()

    source = parts()
    found = read_ahead(source)
    assert next(found) == 0
    found.close()
    assert closed.is_set()
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("rs3l-read")]
