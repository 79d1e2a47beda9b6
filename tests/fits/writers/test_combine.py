"""The card is read back by a parser of its own, written from Combine's documentation on datacards."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest
import uproot
from numpy.typing import NDArray

from rs3l_gnn.fits import Likelihood, Templates, combine_card
from rs3l_gnn.fits.writers.combine import write_card
from rs3l_gnn.fits.writers.root import write_shapes


@dataclass
class Card:
    """A datacard as Combine sees it.

    "Setting up the analysis" in Combine's manual: keywords imax, jmax, kmax; ``shapes process channel file histogram
    histogram_with_systematics``; the lines bin and observation; the lines bin, process (names), process (numbers, at
    most zero for signal), rate; one line a nuisance with its type and one entry a column, ``-`` for none, ``down/up``
    for an asymmetric lnN; ``name rateParam channel process value [range]``; ``name group = ...``; ``channel
    autoMCStats threshold``.
    """

    shapes: tuple[str, str, str] = ("", "", "")
    observations: dict[str, float] = field(default_factory=dict)
    columns: list[tuple[str, str]] = field(default_factory=list)
    numbers: list[int] = field(default_factory=list)
    rates: list[float] = field(default_factory=list)
    nuisances: dict[str, tuple[str, list[str]]] = field(default_factory=dict)
    free: dict[str, tuple[str, str, float, str]] = field(default_factory=dict)
    groups: dict[str, list[str]] = field(default_factory=dict)
    mc_stat: dict[str, float] = field(default_factory=dict)
    counts: dict[str, str] = field(default_factory=dict)


def read_card(path: Path) -> Card:
    card = Card()
    rows = _rows(path)
    for words in rows:
        if words[0] in ("imax", "jmax", "kmax"):
            card.counts[words[0]] = words[1]
        elif words[0] == "shapes":
            assert words[1:3] == ["*", "*"]
            card.shapes = (words[3], words[4], words[5])
        elif words[0] == "bin":
            following = next(rows)
            if following[0] == "observation":
                card.observations = dict(zip(words[1:], map(float, following[1:]), strict=True))
                continue
            numbers, rates = next(rows), next(rows)
            assert (following[0], numbers[0], rates[0]) == ("process", "process", "rate")
            card.columns = list(zip(words[1:], following[1:], strict=True))
            card.numbers, card.rates = [int(word) for word in numbers[1:]], [float(word) for word in rates[1:]]
        elif words[1] == "rateParam":
            card.free[words[0]] = (words[2], words[3], float(words[4]), words[5])
        elif words[1] == "group":
            card.groups[words[0]] = words[3:]
        elif words[1] == "autoMCStats":
            card.mc_stat[words[0]] = float(words[2])
        else:
            assert words[1] in ("lnN", "shape")
            assert len(words) == len(card.columns) + 2
            card.nuisances[words[0]] = (words[1], words[2:])
    return card


def _rows(path: Path) -> Iterator[list[str]]:
    for line in path.read_text().splitlines():
        words = line.split("#")[0].split()
        if words and not words[0].startswith("--"):
            yield words


def yields(card: Card, folder: Path, nuisance: str | None = None, sign: int = 0) -> dict[tuple[str, str], list[float]]:
    """Expected events of each column with one nuisance at +-1 standard deviation."""
    found = {}
    with uproot.open(folder / card.shapes[0]) as file:
        for position, (channel, process) in enumerate(card.columns):
            name = card.shapes[1].replace("$CHANNEL", channel).replace("$PROCESS", process)
            values = file[name].values()
            assert card.rates[position] == pytest.approx(values.sum(), rel=1e-9)
            kind, entries = card.nuisances[nuisance] if nuisance else ("", ["-"] * len(card.columns))
            entry = entries[position]
            if entry != "-" and kind == "shape":
                assert entry == "1"
                pattern = card.shapes[2].replace("$CHANNEL", channel).replace("$PROCESS", process)
                values = file[pattern.replace("$SYSTEMATIC", f"{nuisance}{'Up' if sign > 0 else 'Down'}")].values()
            elif entry != "-":
                values = values * _log_normal(entry, sign)
            found[channel, process] = list(values)
    return found


def _log_normal(entry: str, sign: int) -> float:
    if "/" not in entry:
        return float(entry) ** sign
    down, up = map(float, entry.split("/"))
    return up if sign > 0 else down


def pyhf_yields(
    likelihood: Likelihood, nuisance: str | None = None, sign: int = 0
) -> dict[tuple[str, str], NDArray[np.float64]]:
    parameters = likelihood.asimov_parameters()
    if nuisance:
        parameters[likelihood.model.config.par_names.index(nuisance)] = sign
    content = likelihood.expected_by_sample(parameters)
    return {
        (channel, sample): values[where]
        for channel, where in likelihood.channel_slices().items()
        for sample, values in content.items()
    }


@pytest.fixture
def written(tmp_path: Path, rich: Templates) -> Path:
    write_card(tmp_path / "card.txt", rich)
    write_shapes(tmp_path / "shapes.root", rich)
    return tmp_path


def test_structure(written: Path) -> None:
    card = read_card(written / "card.txt")
    assert card.counts == {"imax": "2", "jmax": "2", "kmax": "*"}
    assert card.observations == {"sr": 1800.0, "cr": 1608.0}
    assert card.columns == [("sr", "hbb"), ("sr", "qcd"), ("sr", "wqq"), ("cr", "hbb"), ("cr", "qcd")]
    assert card.numbers == [0, 1, 2, 0, 1]
    assert card.nuisances["fsr"] == ("shape", ["1", "1", "-", "1", "1"])
    # A flat change is a rate, asymmetric down/up.
    assert card.nuisances["hadronisation"] == ("lnN", ["0.95/1.1", "0.95/1.1", "-", "0.95/1.1", "0.95/1.1"])
    assert card.nuisances["norm_wqq"] == ("lnN", ["-", "-", "1.1", "-", "-"])
    assert card.free == {"norm_qcd": ("*", "qcd", 1.0, "[0,5]")}
    assert card.groups["shower"] == ["fsr", "hadronisation"]
    assert card.mc_stat == {"sr": 0.0, "cr": 0.0}


def test_yields_agree_with_pyhf(written: Path, rich: Templates) -> None:
    card, likelihood = read_card(written / "card.txt"), Likelihood(rich)
    moved = 0
    for nuisance, sign in [(None, 0), *((nuisance.name, sign) for nuisance in rich.nuisances for sign in (1, -1))]:
        ours = pyhf_yields(likelihood, nuisance, sign)
        theirs = yields(card, written, nuisance, sign)
        for column, values in theirs.items():
            np.testing.assert_allclose(values, ours[column], rtol=1e-6)
        moved += sum(not np.allclose(values, pyhf_yields(likelihood)[column]) for column, values in theirs.items())
    # fsr, hadronisation and lumi act on four columns, norm_wqq on one, both ways.
    assert moved == 2 * (4 + 4 + 4 + 1)


def test_two_signals_have_numbers_up_to_zero(rich: Templates) -> None:
    both = Templates(rich.channels, ("hbb", "wqq"), rich.nuisances, rich.free_rates)
    lines = [line.split() for line in combine_card(both).splitlines() if line.startswith("process")]
    assert lines[0][1:4] == ["hbb", "wqq", "qcd"]
    assert lines[1][1:4] == ["0", "-1", "1"]


def test_observation_is_the_integral_of_the_data(written: Path) -> None:
    card = read_card(written / "card.txt")
    with uproot.open(written / "shapes.root") as file:
        for channel, value in card.observations.items():
            assert file[f"{channel}/data_obs"].values().sum() == pytest.approx(value, rel=1e-9)
