"""Features beyond the paper's, of tracks and of pile-up, for files that hold what they need."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from rs3l_gnn.conventions.features.feature import Feature, JetCandidates

__all__ = ["FURTHER_FEATURES"]

# Bits of CMS' reco::TrackBase::TrackQuality.
_TIGHT, _HIGH_PURITY = 1 << 1, 1 << 2
# The largest values of CMS' pat::PackedCandidate::PVAssoc and PVAssociationQuality.
_FROM_PV_USED, _USED_IN_FIT_TIGHT = 3, 7


def _significance(value: NDArray[np.floating], error: NDArray[np.float64]) -> NDArray[np.float64]:
    """Asinh of value / error, 0 where the error is not positive, which is how files say that there is no track.

    Asinh, because it keeps the sign and grows like a logarithm in the tail of displaced tracks, where tanh is 1.
    """
    known = error > 0
    ratio = np.divide(np.asarray(value, dtype=np.float64), error, out=np.zeros(len(error)), where=known)
    return np.arcsinh(ratio)


def _bits(candidates: JetCandidates) -> NDArray[np.int64]:
    return np.asarray(candidates.candidates.more["trkQuality"]).astype(np.int64)


def _quality(candidates: JetCandidates) -> NDArray[np.float64]:
    bits = _bits(candidates)
    level = np.where(bits & _HIGH_PURITY, 3, np.where(bits & _TIGHT, 2, np.where(bits & 1, 1, 0)))
    return np.where(candidates.charged, level, 0).astype(np.float64)


FURTHER_FEATURES = (
    Feature(
        "asinh_d0_sig",
        "asinh(d0/σ(d0))",
        "asinh of d0 over its error, 0 without a track",
        lambda p: np.where(p.charged, _significance(p.candidates.d0, p.more("d0Err")), 0.0),
        ("d0", "dz", "d0Err"),
    ),
    Feature(
        "asinh_dz_sig",
        "asinh(dz/σ(dz))",
        "asinh of dz over its error, 0 without a track",
        lambda p: np.where(p.charged, _significance(p.candidates.dz, p.more("dzErr")), 0.0),
        ("d0", "dz", "dzErr"),
    ),
    Feature("puppi_weight", "1", "PUPPI weight", lambda p: p.more("puppiWeight"), ("puppiWeight",)),
    Feature(
        "puppi_weight_no_lepton",
        "1",
        "PUPPI weight computed without leptons",
        lambda p: p.more("puppiWeightNoLep"),
        ("puppiWeightNoLep",),
    ),
    Feature(
        "from_pv",
        "fromPV/3",
        "CMS' fromPV (0 to 3) over 3: 1 where the track is in the fit of the primary vertex",
        lambda p: p.more("fromPV") / _FROM_PV_USED,
        ("fromPV",),
    ),
    Feature(
        "pv_association",
        "pvAssocQuality/7",
        "CMS' quality of the association to the primary vertex (0 to 7) over 7",
        lambda p: p.more("pvAssocQuality") / _USED_IN_FIT_TIGHT,
        ("pvAssocQuality",),
    ),
    Feature(
        "track_quality",
        "level",
        "0 no track, 1 loose, 2 tight, 3 high purity (bits of trkQuality)",
        _quality,
        ("trkQuality",),
    ),
    Feature(
        "is_high_purity",
        "flag",
        "charged with the bit of high purity in trkQuality",
        lambda p: p.charged & ((_bits(p) & _HIGH_PURITY) != 0),
        ("trkQuality",),
    ),
    Feature(
        "lost_inner_hits",
        "hits",
        "-1 with a hit in the innermost layer, else hits missing before the first (2 for more); 0 if neutral",
        lambda p: np.where(p.charged, p.more("lostInnerHits"), 0.0),
        ("lostInnerHits",),
    ),
    Feature(
        "log_track_chi2",
        "log(1+χ²/ndof)",
        "log(1 + normalised χ² of the track), 0 without a track",
        lambda p: np.where(p.charged, np.log1p(np.maximum(p.more("trkChi2"), 0.0)), 0.0),
        ("trkChi2",),
    ),
)
"""Fields are named as in PFNano."""
