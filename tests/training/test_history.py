"""History: the best epoch, and a table that loses no digits."""

import csv
from pathlib import Path

from rs3l_gnn.training.history import EpochEnd, Row, _note, best_epoch, has_stopped, write_rows


def rows(*losses: float | None) -> list[Row]:
    return [{"epoch": n + 1.0, "val_loss": loss} for n, loss in enumerate(losses)]


def test_the_best_epoch_is_the_first_of_equals() -> None:
    assert best_epoch(rows(None, 0.5, 0.3, 0.4, 0.3)) == 2
    assert best_epoch(rows(None)) == 0
    assert best_epoch(rows(float("nan"), 0.5, float("nan"))) == 1


def test_patience_counts_epochs_since_the_best() -> None:
    losses = rows(0.5, 0.3, 0.4, 0.3)
    assert has_stopped(losses, 2)
    assert not has_stopped(losses, 3)
    assert not has_stopped(losses, None)
    assert not has_stopped([], 1)


def test_a_person_who_waits_sees_how_good_the_network_is() -> None:
    epochs: list[Row] = [{"val_loss": 3.456789, "alignment": 0.1, "probe_auc": 0.98765}]
    assert _note(2.71828, epochs) == "loss 2.72, validation 3.457, probe AUC 0.9877"
    assert _note(0.5, [{"val_loss": 0.4, "val_auc": None}]) == "loss 0.5, validation 0.4"
    assert _note(0.5, []) == "loss 0.5"


def test_rows_travel_in_the_state(tmp_path: Path) -> None:
    end = EpochEnd(tmp_path, 10, None, None)
    end.rows, end.timing = [{"epoch": 1.0, "val_loss": 0.25}], [{"epoch": 1.0, "seconds": 2.0}]
    other = EpochEnd(tmp_path, 10, None, None)
    other.load_state_dict(end.state_dict())
    assert (other.rows, other.timing) == (end.rows, end.timing)


def test_numbers_keep_all_their_digits(tmp_path: Path) -> None:
    write_rows(tmp_path / "h.csv", [{"epoch": 1, "loss": 0.1 + 0.2, "val_loss": None}])
    with (tmp_path / "h.csv").open(newline="") as stream:
        (row,) = csv.DictReader(stream)
    assert float(row["loss"]) == 0.1 + 0.2
    assert row["val_loss"] == ""
