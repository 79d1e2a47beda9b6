"""Threads: as many as asked, and processes of any kind."""

from __future__ import annotations

import multiprocessing
import os
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from rs3l_gnn.conventions import ConfigError
from rs3l_gnn.models import EdgeConvConfig, make_encoder
from rs3l_gnn.models.threads import encoder_threads, run_chunks, thread_count


def test_every_chunk_once_and_each_thread_its_own_memory() -> None:
    done: list[int] = []
    memories: list[object] = []
    threads: set[int] = set()
    together = threading.Barrier(3)

    def memory() -> object:
        together.wait(timeout=30)
        memories.append(object())
        threads.add(threading.get_ident())
        return memories[-1]

    run_chunks(lambda chunk, _: done.append(chunk), 50, threads=3, scratch=memory)
    assert sorted(done) == list(range(50))
    assert len(set(map(id, memories))) == 3
    assert len(threads) == 3
    assert threading.get_ident() in threads  # where it may, the calling thread does its share


def test_first_failure_is_raised() -> None:
    def work(chunk: int, _: object) -> None:
        if chunk >= 5:
            raise ValueError(chunk)

    for threads in (1, 4):
        with pytest.raises(ValueError, match="^5$"):
            run_chunks(work, 100, threads=threads, scratch=object)


def test_encoders_may_have_threads_of_their_own() -> None:
    with encoder_threads(3):
        assert thread_count(None) == 3
        assert thread_count(2) == 2
        with encoder_threads(None):
            assert thread_count(None) == 3
        with encoder_threads(1):
            assert thread_count(None) == 1
        assert thread_count(None) == 3
    assert thread_count(None) == torch.get_num_threads()
    with pytest.raises(ConfigError, match="at least 1"), encoder_threads(0):
        pass


def test_thread_count() -> None:
    assert thread_count(None) == torch.get_num_threads()
    assert thread_count(3) == 3
    with pytest.raises(ConfigError, match="at least 1; got -1"):
        thread_count(-1)


def _embed(jets: tuple[Any, Any], threads: int) -> np.ndarray[Any, Any]:
    torch.manual_seed(0)
    return make_encoder(EdgeConvConfig(width=32, layers=1, k=4)).embed(*jets, threads=threads)


def _send(jets: tuple[Any, Any], threads: int, pipe: Any) -> None:
    pipe.send(_embed(jets, threads))


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")  # what is tested here
def test_forked_child_of_a_process_with_threads(make_jets: Callable[..., Any]) -> None:
    jets = make_jets()
    with torch.random.fork_rng(devices=[]):
        expected = _embed(jets, threads=2)
    context = multiprocessing.get_context("fork")
    for threads in (1, 2):
        ours, theirs = context.Pipe()
        child = context.Process(target=_send, args=(jets, threads, theirs))
        child.start()
        assert ours.poll(60)
        assert np.array_equal(ours.recv(), expected)
        child.join(60)
        assert child.exitcode == 0


@pytest.mark.slow
def test_spawned_child(tmp_path: Path, make_jets: Callable[..., Any]) -> None:
    features, offsets = make_jets()
    np.savez(tmp_path / "jets.npz", features=features, offsets=offsets)
    code = (
        "import multiprocessing, sys, numpy as np, torch\n"
        "from rs3l_gnn.models import Encoder, BACKBONES, EdgeConvConfig, Encoder, EncoderConfig, make_encoder\n"
        "def embed(path):\n"
        "    torch.manual_seed(0)\n"
        "    jets = np.load(path)\n"
        "    encoder = make_encoder(EdgeConvConfig(width=32, layers=1, k=4))\n"
        "    return encoder.embed(jets['features'], jets['offsets'], threads=2)\n"
        "if __name__ == '__main__':\n"
        "    with multiprocessing.get_context('spawn').Pool(2) as pool:\n"
        "        a, b = pool.map(embed, [sys.argv[1]] * 2)\n"
        "    assert np.array_equal(a, b) and np.array_equal(a, embed(sys.argv[1]))\n"
    )
    (tmp_path / "script.py").write_text(code)
    subprocess.run([sys.executable, tmp_path / "script.py", tmp_path / "jets.npz"], check=True, timeout=300)  # noqa: S603  # our own script


def test_number_of_a_process_without_torch(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "torch")
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    assert thread_count(None) == len(os.sched_getaffinity(0))
    monkeypatch.setenv("OMP_NUM_THREADS", "5")
    assert thread_count(None) == 5


def test_one_thread_inside_a_dask_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    distributed = pytest.importorskip("distributed")
    monkeypatch.setattr(distributed, "get_worker", object)
    before = torch.get_num_threads()
    try:
        torch.set_num_threads(3)
        assert thread_count(None) == 1
        assert thread_count(2) == 2
    finally:
        torch.set_num_threads(before)


@pytest.mark.slow
def test_one_thread_inside_a_real_dask_worker() -> None:
    distributed = pytest.importorskip("distributed")
    with (
        distributed.LocalCluster(
            n_workers=1, threads_per_worker=1, processes=False, dashboard_address="127.0.0.1:0", protocol="tcp"
        ) as cluster,
        distributed.Client(cluster) as client,
    ):
        assert client.submit(thread_count, None, pure=False).result(60) == 1
        assert client.submit(thread_count, 2, pure=False).result(60) == 2
    assert thread_count(None) == torch.get_num_threads()
