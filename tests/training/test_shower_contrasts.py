"""Up and down of a scale for each view, from toy views and their shower weights."""

import math
from pathlib import Path

import numpy as np
import pytest

from rs3l_gnn.conventions import InvalidDataError
from rs3l_gnn.data import read_views
from rs3l_gnn.training.shower_contrasts import ShowerContrasts


def test_views_count_for_their_own_variation(toy_views: Path) -> None:
    views = read_views(toy_views)
    found = ShowerContrasts.of(views, ["fsr x1.19"], "views")
    factors = {one.vartype: one.factor or 0 for one in views.variations if one.name.startswith("fsrRen")}
    for jet, row in enumerate(found.columns):
        factor = factors.get(int(views.vartype[jet]), 1)
        assert tuple(row) == (factor > 1, factor < 1)
    assert set(found.names) == {"fsrRenHi", "fsrRenLo"}
    assert found.scales[0].logarithm == pytest.approx(math.log(2), rel=0.01)  # sqrt 2 over its inverse, on the square


def test_weights_count_for_nominal_views(weighted_views: Path) -> None:
    views = read_views(weighted_views)
    assert views.shower_weights is not None
    found = ShowerContrasts.of(views, ["fsr x2"], "shower_weights")
    for jet, row in enumerate(found.columns):
        told = views.shower_weights[jet]
        assert tuple(row) == ((0, 0) if np.isnan(told).any() else tuple(told))
    assert found.scales[0].logarithm == pytest.approx(2 * math.log(4))


def test_a_scale_that_is_not_there_is_named(toy_views: Path) -> None:
    with pytest.raises(InvalidDataError, match=r"no re-showered views that vary 'fsr x2' up and down.*fsr x1\.19"):
        ShowerContrasts.of(read_views(toy_views), ["fsr x2"], "views")
    with pytest.raises(InvalidDataError, match="no shower weights.*no pair of shower weights at all"):
        ShowerContrasts.of(read_views(toy_views), ["fsr x2"], "shower_weights")
