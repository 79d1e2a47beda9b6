from __future__ import annotations

from pathlib import Path

import pytest

from rs3l_gnn.conventions import InputFileError
from rs3l_gnn.workflows.inspection import describe

CARD = """imax 1  number of channels
jmax 1  number of processes minus one
kmax *  number of nuisances
-------
shapes * * shapes.root $CHANNEL/$PROCESS $CHANNEL/$PROCESS_$SYSTEMATIC
-------
bin         signal
observation 48187.3
-------
bin                 signal        signal
process             hbb           qcd
process             0             1
rate                -1            -1
-------
fsr       shape     1             1
lumi      lnN       1.016         1.016
* autoMCStats 0
"""


def test_card(tmp_path: Path) -> None:
    (tmp_path / "card.txt").write_text(CARD)
    found = describe(tmp_path / "card.txt")
    assert (found["kind"], found["channels"], found["processes"]) == ("Combine card", ["signal"], ["hbb", "qcd"])
    assert found["nuisances"] == {"fsr": "shape", "lumi": "lnN"}


def test_history(tmp_path: Path) -> None:
    (tmp_path / "history.csv").write_text("epoch,loss\n1,5.25\n2,5.0\n3,4.5\n")
    found = describe(tmp_path / "history.csv")
    assert (found["kind"], found["rows"]) == ("training history", 3)
    assert (found["first"]["loss"], found["last"]["loss"]) == ("5.25", "4.5")
    (tmp_path / "empty.csv").write_text("a,b\n")
    assert describe(tmp_path / "empty.csv")["rows"] == 0


def test_yaml_and_what_is_not(tmp_path: Path) -> None:
    (tmp_path / "config.yaml").write_text("views: v.h5\nseed: 1\n")
    assert describe(tmp_path / "config.yaml")["keys"] == ["views", "seed"]
    (tmp_path / "broken.yaml").write_text("a: [1\n")
    (tmp_path / "binary.csv").write_bytes(b"\xff\xfe\x00\x01")
    for name in ("broken.yaml", "binary.csv"):
        with pytest.raises(InputFileError, match=f"{name} is of no known format; allowed: ROOT.*Combine cards"):
            describe(tmp_path / name)
