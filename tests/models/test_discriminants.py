"""One score of several, against a loop."""

import numpy as np
import pytest

from rs3l_gnn.conventions import ConfigError
from rs3l_gnn.models import Discriminant, one_score

CLASSES = ("qcd", "hbb", "wqq", "top")


@pytest.mark.parametrize(
    ("signal", "background"), [(("hbb",), ("qcd",)), (("hbb", "wqq"), ("top", "qcd")), (("wqq",), None)]
)
def test_it_is_the_share_of_the_signal(signal: tuple[str, ...], background: tuple[str, ...] | None) -> None:
    scores = np.random.default_rng(1).dirichlet(np.ones(4), size=50).astype(np.float32)
    got = one_score(scores, CLASSES, Discriminant(signal=signal, background=background), tagger="t")
    for row, value in zip(scores.tolist(), got, strict=True):
        named = dict(zip(CLASSES, row, strict=True))
        s = sum(named[name] for name in signal)
        b = sum(p for name, p in named.items() if name not in signal and (background is None or name in background))
        assert value == pytest.approx(s / (s + b), rel=1e-6)
    assert got.dtype == np.float32


def test_nothing_for_either_scores_zero_and_a_single_score_is_itself() -> None:
    certain = np.array([[0.0, 0.0, 1.0, 0.0]], np.float32)
    assert one_score(certain, CLASSES, Discriminant(signal=("hbb",), background=("qcd",)), tagger="t").tolist() == [0.0]
    single = np.array([0.25, 0.5], np.float32)
    assert one_score(single, ("signal",), None, tagger="t") is single
    assert one_score(single, ("signal",), Discriminant(signal=("hbb",)), tagger="t") is single


def test_mistakes_are_named() -> None:
    scores = np.full((2, 4), 0.25, np.float32)
    with pytest.raises(ConfigError, match=r"tagger t gives a score for each of qcd, hbb, wqq, top; name those"):
        one_score(scores, CLASSES, None, tagger="t")
    with pytest.raises(ConfigError, match=r"tagger t has no class bb; allowed: qcd, hbb, wqq, top"):
        one_score(scores, CLASSES, Discriminant(signal=("bb",)), tagger="t")
    with pytest.raises(ConfigError, match="hbb is signal and background"):
        Discriminant(signal=("hbb",), background=("hbb", "qcd"))
    with pytest.raises(ConfigError, match="at least one class"):
        Discriminant(signal=())
