"""JetClass (arXiv:2202.03772): Delphes jets as flat trees, also the format that weaver trains on."""

from __future__ import annotations

from rs3l_gnn.data.flat_tree import FlatTreeMap

__all__ = ["JETCLASS"]

_FLAGS = {
    "is_photon": "part_isPhoton",
    "is_muon": "part_isMuon",
    "is_electron": "part_isElectron",
    "is_charged_hadron": "part_isChargedHadron",
    "is_neutral_hadron": "part_isNeutralHadron",
}
_SAME = {name: f"part_{name}" for name in ("px", "py", "pz", "energy", "charge")}
_TRACKS = {"d0": "part_d0val", "dz": "part_dzval", "d0Err": "part_d0err", "dzErr": "part_dzerr"}
_JETS = {name: f"jet_{name}" for name in ("pt", "eta", "phi", "energy")}

JETCLASS = FlatTreeMap(
    name="jetclass",
    jets={**_JETS, "msoftdrop": "jet_sdmass"},
    candidates={**_SAME, **_FLAGS, **_TRACKS},
    radius=0.8,
).format(title="JetClass", marks=("part_px", "part_d0val", "jet_sdmass"), tree="tree")
"""Anti-kT jets of radius 0.8 above 500 GeV; d0, dz and their errors in mm."""
