"""What files say about their shower weights."""

from __future__ import annotations

from pathlib import Path

import uproot

from rs3l_gnn.conventions.scales import NANOAOD_WEIGHTS
from rs3l_gnn.data.shower_order import documented_order, stored_order

OLDER = "[0] is ISR=0.5 FSR=1; [1] is ISR=1 FSR=0.5; [2] is ISR=2 FSR=1; [3] is ISR=1 FSR=2"
TITLE = (
    "PS weights (w_var / w_nominal);   "
    "[0] is ISR=2 FSR=1; [1] is ISR=1 FSR=2[2] is ISR=0.5 FSR=1; [3] is ISR=1 FSR=0.5;"
)


def test_files_say_what_they_hold() -> None:
    assert documented_order(TITLE, None) == NANOAOD_WEIGHTS
    assert documented_order(OLDER, None) == (*NANOAOD_WEIGHTS[2:], *NANOAOD_WEIGHTS[:2])
    assert documented_order("dummy PS weight (1.0) ", None) == documented_order("PSWeight/F", None) == ()
    assert documented_order("[1] is ISR=2 FSR=2", None) == (None, "fsr:muRfac=2.0 isr:muRfac=2.0")
    recorded = ["isr:muRfac=2.0", "fsr:muRfac=1.414", "hard"]
    assert documented_order(TITLE, recorded) == ("isr:muRfac=2.0", "fsr:muRfac=1.414", "hard")


def test_open_files(shared_data: Path) -> None:
    """PFNano with a dummy, and a NanoAOD whose title says nothing."""
    for name in ("pfnano", "nano_tt_v15"):
        with uproot.open(shared_data / "cms" / f"{name}.root") as file:
            tree = file["Events"]
            assert stored_order(tree, tree.keys(), None) == ()
            assert stored_order(tree, tree.keys(), ["isrUp"]) == ("isrUp",)
            assert stored_order(tree, ["event"], ["isrUp"]) == ()
