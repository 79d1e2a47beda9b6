"""Replicas by a Poisson bootstrap of the hard events."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import uproot
from numpy.typing import NDArray

from rs3l_gnn.conventions import ConfigError, file_digest
from rs3l_gnn.processors import AnalysisConfig, analyze
from rs3l_gnn.processors.running.bootstrap import ReplicaHistogram, multiplicities

N = 300
EDGES = np.linspace(440, 840, 11)
BLOCK: dict[str, Any] = {
    "pt": {"bins": 10, "start": 440, "stop": 840},
    "score": {"bins": 4, "start": 0, "stop": 1},
    "bootstrap": {"replicas": N, "seed": 3},
}


def _counts_by_loop(stream: str, event: int) -> int:
    """Steele, Lea and Flood's finaliser in whole numbers, and the inverse of Poisson's distribution."""
    import zlib

    mask = (1 << 64) - 1
    word = (event + (zlib.crc32(stream.encode()) << 32) + 0x9E3779B97F4A7C15) & mask
    word = ((word ^ (word >> 30)) * 0xBF58476D1CE4E5B9) & mask
    word = ((word ^ (word >> 27)) * 0x94D049BB133111EB) & mask
    left = ((word ^ (word >> 31)) >> 11) / 2**53
    k = 0
    while left >= math.exp(-1) / math.factorial(k):
        left -= math.exp(-1) / math.factorial(k)
        k += 1
    return k


def test_counts_are_poisson_of_mean_one() -> None:
    counts = multiplicities("qcd", np.arange(2000, dtype=np.uint64), replicas=100, seed=1)
    assert counts.shape == (2000, 100)
    found = np.bincount(counts.ravel(), minlength=7)[:7] / counts.size
    expected = np.array([math.exp(-1) / math.factorial(k) for k in range(7)])
    np.testing.assert_allclose(found, expected, atol=4.5 * np.sqrt(expected / counts.size).max())
    # Neither events nor replicas know of each other.
    for table in (counts.astype(np.float64), counts.T.astype(np.float64)[:, :200]):
        correlation = np.atleast_2d(np.corrcoef(table, rowvar=False))
        off = correlation[np.triu_indices(len(correlation), 1)]
        assert abs(off.mean()) < 0.01
        assert off.std() == pytest.approx(1 / np.sqrt(len(table)), rel=0.1)


def test_counts_depend_on_seed_replica_data_set_and_event_alone() -> None:
    event = np.array([0, 7, 12345, 2**33 + 5], dtype=np.uint64)
    counts = multiplicities("qcd_nominal", event, replicas=20, seed=4)
    for row, number in zip(counts, event.tolist(), strict=True):
        assert row.tolist() == [_counts_by_loop(f"bootstrap-4-{r}-qcd_nominal", number) for r in range(20)]
    np.testing.assert_array_equal(multiplicities("qcd_nominal", event[::-1], replicas=5, seed=4), counts[::-1, :5])
    for other in (("hbb_nominal", 4), ("qcd_nominal", 5)):
        assert (multiplicities(other[0], event, replicas=20, seed=other[1]) != counts).any()


def test_filled_like_a_loop_and_added_up() -> None:
    rng = np.random.default_rng(2)
    bins, weight = rng.integers(0, 5, 200), rng.normal(1, 2, 200)
    counts = rng.poisson(1, (200, 7)).astype(np.uint8)
    expected = np.zeros((7, 5))
    for e in range(200):
        for r in range(7):
            expected[r, bins[e]] += weight[e] * counts[e, r]

    def part(rows: slice) -> ReplicaHistogram:
        histogram = ReplicaHistogram(5, 7)
        one = {"channel": "sr", "variation": "nominal"}
        histogram.fill(**one, bins=bins[rows], weight=weight[rows], counts=counts[rows])
        return histogram

    first, rest, none = part(slice(0, 30)), part(slice(30, None)), part(slice(0, 0))
    merged = first + rest
    merged += none
    np.testing.assert_allclose(merged.contents["sr", "nominal"], expected, atol=1e-12)
    # Adding leaves its parts as they were.
    np.testing.assert_array_equal(first.contents["sr", "nominal"], part(slice(0, 30)).contents["sr", "nominal"])
    with pytest.raises(ConfigError, match="different shapes"):
        first += ReplicaHistogram(5, 8)


def _analysed(toy_filesets: list[Path], output: Path, **changes: Any) -> Path:
    analyze(AnalysisConfig.model_validate({"filesets": toy_filesets, **BLOCK, **changes}), output)
    return output


def _replicas(output: Path) -> dict[str, dict[tuple[str, str, str], NDArray[np.float64]]]:
    with np.load(output / "replicas.npz") as archive:
        header = json.loads(str(archive["header"]))
        assert (header["format"], header["version"]) == ("rs3l-replicas", 1)
        assert (header["replicas"], header["seed"], header["axes"]) == (N, 3, ["cell", "replica", "bin"])
        return {
            name: {tuple(place): rows for place, rows in zip(places, archive[name], strict=True)}
            for name, places in header["cells"].items()
        }


@pytest.fixture(scope="module")
def output(toy_filesets: list[Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    return _analysed(toy_filesets, tmp_path_factory.mktemp("bootstrap") / "out")


@pytest.mark.parametrize(("file", "variation"), [("nominal", "nominal"), ("fsrRenHi", "fsrDown"), ("seed", "seed")])
def test_an_event_counts_alike_in_every_view(output: Path, toy_directory: Path, file: str, variation: str) -> None:
    with uproot.open(toy_directory / "qcd" / f"{file}_0000.root") as tree:
        columns = ["event", "FatJet_pt", *(["PSWeight"] if variation == "nominal" else [])]
        events = tree["Events"].arrays(columns, library="np")
    first = [weights[0] for weights in events["PSWeight"]] if variation == "nominal" else [1.0] * len(events["event"])
    expected = {"nominal": np.zeros((N, 12)), "psISRUp": np.zeros((N, 12))}
    for event, jets, weight in zip(events["event"], events["FatJet_pt"], first, strict=True):
        if len(jets) == 0 or not jets[0] > 450:
            continue
        place = int(np.searchsorted(EDGES, jets[0], side="right"))
        counts = multiplicities("qcd_nominal", np.array([event], dtype=np.uint64), replicas=N, seed=3)[0]
        expected["nominal"][:, place] += counts / len(events["event"])
        expected["psISRUp"][:, place] += counts * float(weight) / len(events["event"])
    found = _replicas(output)["pt"]
    np.testing.assert_allclose(found["qcd", "signal", variation], expected["nominal"], rtol=1e-9, atol=1e-12)
    if variation == "nominal":
        np.testing.assert_allclose(found["qcd", "signal", "psISRUp"], expected["psISRUp"], rtol=1e-6, atol=1e-12)


def test_mean_and_variance_are_those_of_the_histograms(output: Path) -> None:
    import hist

    document = json.loads((output / "histograms.json").read_text())
    assert document["replicas"] == {"file": "replicas.npz", "digest": file_digest(output / "replicas.npz")}
    replicas = _replicas(output)
    assert set(replicas) == {"score_n2", "mass", "pt"}
    for name, cells in replicas.items():
        whole: Any = hist.Hist(document["histograms"][name])
        for (dataset, channel, variation), rows in cells.items():
            one = whole[{"dataset": dataset, "channel": channel, "variation": variation}].view(flow=True)
            filled = one.variance > 0
            pulls = (rows.mean(axis=0) - one.value)[filled] / np.sqrt(one.variance[filled] / N)
            assert np.abs(pulls).max() < 5
            # Few events in a bin: their Poisson counts have a fourth moment, too.
            ratio = rows.var(axis=0, ddof=1)[filled] / one.variance[filled]
            assert ratio.mean() == pytest.approx(1, abs=0.15)
            assert (rows[:, ~filled] == 0).all()
            total = rows.sum(axis=1).var(ddof=1) / one.variance.sum()
            assert total == pytest.approx(1, abs=4.5 * math.sqrt(2 / N))


def test_chunks_and_order_do_not_matter(output: Path, toy_filesets: list[Path], tmp_path: Path) -> None:
    cut = _replicas(_analysed(toy_filesets[::-1], tmp_path / "out", run={"chunksize": 7}))
    for name, cells in _replicas(output).items():
        assert cells.keys() == cut[name].keys()
        for place, rows in cells.items():
            np.testing.assert_allclose(cut[name][place], rows, rtol=1e-12, atol=1e-15)


def test_off_by_default_and_not_for_data(output: Path, toy_directory: Path, tmp_path: Path) -> None:
    file = toy_directory / "qcd" / "nominal_0000.root"
    entry = {"files": {str(file): "Events"}}
    fileset = {"data": entry | {"metadata": {"isMC": False}}, "mc": entry | {"metadata": {"xsec": 1.0}}}
    (tmp_path / "fileset.json").write_text(json.dumps(fileset))
    both = _replicas(_analysed([tmp_path / "fileset.json"], tmp_path / "both"))
    assert {place[0] for place in both["pt"]} == {"mc"}
    without = _analysed([tmp_path / "fileset.json"], tmp_path / "without", bootstrap={})
    assert not (without / "replicas.npz").exists()
    documents = [json.loads((tmp_path / name / "histograms.json").read_text()) for name in ("both", "without")]
    assert documents[0].pop("replicas")
    for document in documents:
        document.pop("provenance")
    assert documents[0] == documents[1]
