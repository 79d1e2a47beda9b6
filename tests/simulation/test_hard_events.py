from __future__ import annotations

import numpy as np

from rs3l_gnn.simulation import HardEvents


def test_a_part_holds_the_same_events(hard_events: HardEvents) -> None:
    part = hard_events.part(7, 12)
    assert len(part) == 5
    for index in range(5):
        assert np.array_equal(part.event(index), hard_events.event(7 + index))
    assert np.array_equal(part.scale, hard_events.scale[7:12])
    assert part.offsets[0] == 0


def test_fingerprints_tell_events_apart_and_ignore_the_cut(hard_events: HardEvents) -> None:
    prints = hard_events.fingerprints()
    assert len(set(prints.tolist())) == len(hard_events)
    assert np.array_equal(prints[7:12], hard_events.part(7, 12).fingerprints())
