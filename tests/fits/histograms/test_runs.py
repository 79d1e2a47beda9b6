from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import hist
import numpy as np
import pytest

from rs3l_gnn.conventions import FitError, InputFileError
from rs3l_gnn.fits.histograms.runs import read_runs

WriteRun = Callable[..., Path]


def test_cells_hold_what_was_filled(write_run: WriteRun) -> None:
    path = write_run(bins=20, n=400)
    run = read_runs([path], ["score_rs3l"])
    histogram = run.histograms["score_rs3l"]
    assert histogram.channels == ("sr", "cr")
    assert histogram.variations == ("nominal", "seed", "fsrUp", "fsrDown", "hadronisationUp")
    cell = histogram.cell("qcd", "cr", "fsrUp")
    assert cell is not None
    # A quarter of 400 events of 0.2 pb / 400 each.
    assert cell.values.sum() == pytest.approx(0.05)
    assert cell.variances is not None
    assert cell.variances.sum() == pytest.approx(100 * (0.2 / 400) ** 2)
    assert cell.covariance is not None
    assert cell.covariance.shape == (20, 20)
    assert cell.covariance.sum() == pytest.approx(cell.variances.sum())
    assert run.paired
    assert run.incomplete == ()
    assert run.variations["hadronisationUp"]["two_sided"] is False


def test_order_of_axes_and_kind_of_axis_do_not_matter(write_run: WriteRun) -> None:
    edges = [0.0, 0.001, 0.2, 0.9, 0.9995, 1.0]

    def edit(histograms: dict[str, Any]) -> None:
        other = hist.Hist(
            hist.axis.StrCategory(["nominal"], name="variation"),
            hist.axis.Variable(edges, name="score"),
            hist.axis.StrCategory(["hbb", "qcd", "wqq"], name="dataset", growth=True),
            hist.axis.StrCategory(["sr"], name="channel"),
            storage=hist.storage.Weight(),
        )
        other.fill("nominal", [0.0005, 0.99999], "hbb", "sr", weight=2.0)
        histograms["score_rs3l"] = other

    run = read_runs([write_run(edit=edit, with_paired=False)], ["score_rs3l"])
    cell = run.histograms["score_rs3l"].cell("hbb", "sr", "nominal")
    assert cell is not None
    assert cell.values.tolist() == [2, 0, 0, 0, 2]
    assert run.histograms["score_rs3l"].edges.tolist() == edges
    assert not run.paired
    assert run.histograms["score_rs3l"].cell("qcd", "sr", "nominal") is None


@pytest.mark.parametrize("flow", ["move", "drop", "error"])
def test_flow_of_the_variable(write_run: WriteRun, flow: Any) -> None:
    def edit(histograms: dict[str, Any]) -> None:
        # A score of exactly 1 lands in the overflow.
        histograms["score_rs3l"].fill("hbb", "sr", "nominal", [1.0, 1.0, -0.1], weight=3.0)

    before = read_runs([write_run()], ["score_rs3l"]).histograms["score_rs3l"].cell("hbb", "sr", "nominal")
    path = write_run(edit=edit)
    if flow == "error":
        with pytest.raises(FitError, match="entries in the underflow"):
            read_runs([path], ["score_rs3l"], flow=flow)
        return
    run = read_runs([path], ["score_rs3l"], flow=flow)
    cell = run.histograms["score_rs3l"].cell("hbb", "sr", "nominal")
    assert cell is not None
    assert before is not None
    added = (cell.values - before.values)[[0, -1]]
    np.testing.assert_allclose(added, [3, 6] if flow == "move" else [0, 0], atol=1e-12)
    assert {finding.action for finding in run.report.of("flow")} == {"moved" if flow == "move" else "dropped"}


def test_unknown_categories_are_refused(write_run: WriteRun) -> None:
    def edit(histograms: dict[str, Any]) -> None:
        histograms["score_rs3l"].fill("hbb", "sr", "fsr_dn", [0.5], weight=1.0)

    with pytest.raises(FitError, match="outside the names of its variation axis; got 1 in the overflow"):
        read_runs([write_run(edit=edit)], ["score_rs3l"])


def test_wrong_files(write_run: WriteRun, tmp_path: Path) -> None:
    with pytest.raises(InputFileError, match="cannot read"):
        read_runs([tmp_path / "absent.json"], ["score_rs3l"])
    (tmp_path / "text.json").write_text("{ not json")
    with pytest.raises(InputFileError, match="is not JSON"):
        read_runs([tmp_path / "text.json"], ["score_rs3l"])
    (tmp_path / "other.json").write_text('{"format": "other"}')
    with pytest.raises(InputFileError, match="does not hold histograms"):
        read_runs([tmp_path / "other.json"], ["score_rs3l"])
    with pytest.raises(InputFileError, match="unknown version; got 2"):
        read_runs([write_run(version=2)], ["score_rs3l"])
    with pytest.raises(FitError, match="no histogram 'score_n2'; allowed: score_rs3l"):
        read_runs([write_run()], ["score_n2"])
    document = json.loads(write_run().read_text())
    del document["histograms"]["score_rs3l"]["storage"]
    (tmp_path / "broken.json").write_text(json.dumps(document))
    with pytest.raises(InputFileError, match="cannot be read"):
        read_runs([tmp_path / "broken.json"], ["score_rs3l"])


def test_axes_and_storage_are_checked(write_run: WriteRun) -> None:
    def no_channel(histograms: dict[str, Any]) -> None:
        histograms["score_rs3l"] = histograms["score_rs3l"].project("dataset", "variation", "score")

    def no_dataset(histograms: dict[str, Any]) -> None:
        histograms["score_rs3l"] = histograms["score_rs3l"].project("channel", "variation", "score")

    def no_errors(histograms: dict[str, Any]) -> None:
        axes = histograms["score_rs3l"].axes
        histograms["score_rs3l"] = hist.Hist(*axes, storage=hist.storage.Double())
        histograms["score_rs3l"].fill("qcd", "sr", "nominal", 0.1)

    # Without a channel axis there is one channel; without datasets nothing can be told apart.
    run = read_runs([write_run(edit=no_channel, with_paired=False)], ["score_rs3l"])
    assert run.histograms["score_rs3l"].channels == ("signal",)
    with pytest.raises(FitError, match="expected axes; got channel, variation, score"):
        read_runs([write_run(edit=no_dataset)], ["score_rs3l"])
    found = read_runs([write_run(edit=no_errors, with_paired=False)], ["score_rs3l"]).histograms["score_rs3l"]
    assert [cell.variances for cell in found.cells.values()] == [None]


def test_two_runs_join_their_datasets(write_run: WriteRun) -> None:
    def keep(*names: str) -> Callable[[dict[str, Any]], None]:
        def edit(histograms: dict[str, Any]) -> None:
            view = histograms["score_rs3l"].view(flow=True)
            for position, name in enumerate(histograms["score_rs3l"].axes["dataset"]):
                if name not in names:
                    view.value[position] = view.variance[position] = 0.0

        return edit

    one = write_run(name="one.json", edit=keep("hbb"))
    two = write_run(name="two.json", edit=keep("qcd", "wqq"))
    run = read_runs([one, two], ["score_rs3l"])
    whole = read_runs([write_run()], ["score_rs3l"])
    assert set(run.histograms["score_rs3l"].cells) == set(whole.histograms["score_rs3l"].cells)
    with pytest.raises(FitError, match="would count twice: hbb"):
        read_runs([one, write_run(name="again.json", edit=keep("hbb"))], ["score_rs3l"])
    with pytest.raises(FitError, match=r"different binnings in .*one.json and .*wide.json; got 40 and 20 bins"):
        read_runs([one, write_run(name="wide.json", bins=20, edit=keep("qcd"))], ["score_rs3l"])


def test_incomplete_runs_and_models_are_told(write_run: WriteRun) -> None:
    one = write_run(complete=False, models={"rs3l": ["a", "b"]})
    run = read_runs([one], ["score_rs3l"])
    assert run.incomplete == (str(one),)
    assert run.models == {"rs3l": ("a", "b")}
