from __future__ import annotations

from dataclasses import dataclass

from rs3l_gnn.simulation.pythia_record import process_rows


@dataclass
class _Entry:
    """One line of Pythia's process record; momenta 1, 2, 3, 4."""

    identity: int
    state: int
    mothers: tuple[int, int]
    colours: tuple[int, int] = (0, 0)

    def __getattr__(self, name: str) -> object:
        values = {
            "id": self.identity, "status": self.state, "mother1": self.mothers[0], "mother2": self.mothers[1],
            "col": self.colours[0], "acol": self.colours[1], "px": 1.0, "py": 2.0, "pz": 3.0, "e": 4.0, "m": 0.5,
            "tau": 0.0, "pol": 9.0,
        }  # fmt: skip
        return lambda: values[name]


class _Record(list[_Entry]):
    def size(self) -> int:
        return len(self)


def test_rows_by_hand() -> None:
    """g g -> h -> b bbar: system, beams, then what an LHE file lists, mothers counted from its first line."""
    record = _Record(
        [
            _Entry(90, -11, (0, 0)),
            _Entry(2212, -12, (0, 0)),
            _Entry(2212, -12, (0, 0)),
            _Entry(21, -21, (1, 0), (101, 102)),
            _Entry(21, -21, (2, 0), (102, 101)),
            _Entry(25, -22, (3, 4)),
            _Entry(5, 23, (5, 0), (103, 0)),
            _Entry(-5, 23, (5, 0), (0, 103)),
        ]
    )
    rows = process_rows(record)
    assert [row[:6] for row in rows] == [
        (21, -1, 0, 0, 101, 102),
        (21, -1, 0, 0, 102, 101),
        (25, 2, 1, 2, 0, 0),
        (5, 1, 3, 0, 103, 0),
        (-5, 1, 3, 0, 0, 103),
    ]
    assert {row[6:] for row in rows} == {(1.0, 2.0, 3.0, 4.0, 0.5, 0.0, 9.0)}
