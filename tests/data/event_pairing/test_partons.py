"""Fingerprints of hard partons, on rounded and on other partons."""

from __future__ import annotations

import awkward as ak
import numpy as np

from rs3l_gnn.data.event_pairing.partons import agree, parton_source, read_fingerprint


def _lhe(events: list[list[tuple[int, float, float, float]]]) -> ak.Array:
    parts = {
        name: ak.Array([[particle[i] for particle in event] for event in events])
        for i, name in enumerate(("pdgId", "pt", "eta", "phi"))
    }
    return ak.zip({"LHEPart": ak.zip(parts)}, depth_limit=1)


_EVENTS = [
    [(21, 0.0, 0.0, 0.0), (5, 300.0, 0.4, 3.1), (-5, 300.0, -0.4, -0.04)],
    [(2, 0.0, 0.0, 0.0), (24, 500.0, 1.0, 0.3), (1, 500.0, 0.1, -2.84)],
    [],
]


def test_order_and_rounding_do_not_matter() -> None:
    rng = np.random.default_rng(1)
    rounded = [[(k, pt * f, eta * f, phi * f) for (k, pt, eta, phi), f in zip(e, 1 + rng.uniform(-1, 1, 9) / 512)] for e in _EVENTS]  # fmt: skip  # noqa: B905, E501 - more factors than particles
    one = read_fingerprint("LHEPart", _lhe(_EVENTS))
    two = read_fingerprint("LHEPart", _lhe([event[::-1] for event in rounded]))
    assert agree(one, two, 0.01).tolist() == [True, True, True]
    assert not agree(one, two, 1e-6)[:2].any()


def test_other_partons_do_not_agree() -> None:
    one = read_fingerprint("LHEPart", _lhe(_EVENTS))
    turned = [[(k, pt, eta, phi + 0.3) for k, pt, eta, phi in event] for event in _EVENTS]  # balanced as before
    other_kind = [[(4 if k == 5 else k, *rest) for k, *rest in event] for event in _EVENTS]
    for events, expected in ((turned, [False, False, True]), (other_kind, [False, True, True])):
        assert agree(one, read_fingerprint("LHEPart", _lhe(events)), 0.01).tolist() == expected  # type: ignore[arg-type]


def test_the_source_is_one_that_all_files_have() -> None:
    lhe = [f"LHEPart_{name}" for name in ("pdgId", "pt", "eta", "phi")]
    gen = [f"GenPart_{name}" for name in ("pdgId", "pt", "eta", "phi", "genPartIdxMother", "statusFlags")]
    assert parton_source("auto", [[*lhe, *gen], gen]) == "GenPart"
    assert parton_source("auto", [[*lhe, *gen], lhe]) == "LHEPart"
    assert parton_source("auto", [lhe, gen]) is None
    assert parton_source("none", [lhe, lhe]) is None
