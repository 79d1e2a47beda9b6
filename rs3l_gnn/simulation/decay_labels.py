"""Which label a decay in the hard event has: the table of this package, and labels of the user's own before it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from pydantic import Field

from rs3l_gnn.conventions import BaseConfig, JetLabel, JetType, own_label

__all__ = ["DecayLabel", "DecayTable", "LabelConfig", "own_labels"]

Word = int | Literal["q", "l", "nu"]
_WORDS: dict[str, frozenset[int]] = {
    "q": frozenset({1, 2, 3, 4, 5}),
    "l": frozenset({11, 13, 15}),
    "nu": frozenset({12, 14, 16}),
}
_Decays = tuple[tuple[Word, ...], ...]


class LabelConfig(BaseConfig):
    """A label of the user's own: jets that hold all visible products of such a decay."""

    pdg_id: int = Field(gt=0, description="identity of what decays, particle and antiparticle alike")
    daughters: _Decays = Field(
        default=(),
        description="its daughters in the hard event, one list a channel: PDG identities without sign, or "
        "q (any quark but top), l, nu; without any, every decay of at least two visible products",
    )
    products: _Decays = Field(
        default=(), description="what it ends in, behind further resonances: [[q, q, q, q]] of two W"
    )
    within: str | None = Field(default=None, description="a label of the registry that stands for these jets as well")
    description: str = Field(default="", description="for people")


@dataclass(frozen=True)
class DecayLabel:
    """Decays of one label; the fields are those of :class:`LabelConfig`."""

    number: int
    pdg_id: int
    daughters: _Decays = ()
    products: _Decays = ()

    def fits(self, daughters: Sequence[int], products: Sequence[int]) -> bool:
        """Whether a decay is one of these, by the signed identities of daughters and products."""
        return _one_of(self.daughters, daughters) and _one_of(self.products, products)


def _registry() -> tuple[DecayLabel, ...]:
    h, w, z, top = 25, 24, 23, 6
    two_w: _Decays = (
        (w, w),
        (w, "q", "q"),
        (w, "l", "nu"),
    )  # one is off its mass shell, and not always written
    return (
        DecayLabel(JetType.H_BB, h, ((5, 5),)),
        DecayLabel(JetType.H_CC, h, ((4, 4),)),
        DecayLabel(JetType.H_SS, h, ((3, 3),)),
        DecayLabel(JetType.H_GG, h, ((21, 21),)),
        DecayLabel(JetType.H_TAUTAU, h, ((15, 15),)),
        DecayLabel(JetType.H_WW_QQQQ, h, two_w, (("q", "q", "q", "q"),)),
        DecayLabel(JetType.H_WW_LNUQQ, h, two_w, (("l", "nu", "q", "q"),)),
        DecayLabel(JetType.Z_BB, z, ((5, 5),)),
        DecayLabel(JetType.Z_CC, z, ((4, 4),)),
        DecayLabel(JetType.Z_UDS, z, ((1, 1), (2, 2), (3, 3))),
        DecayLabel(JetType.W_CS, w, ((4, 1), (4, 3), (4, 5))),
        DecayLabel(JetType.W_UD, w, ((2, 1), (2, 3), (2, 5))),
        DecayLabel(JetType.TOP_BQQ, top, (), (("q", "q", "q"),)),
    )


_REGISTRY = _registry()


class DecayTable:
    """Finds the label of a decay.

    Args:
        own: labels of the user's own, which go before those of the registry.
    """

    def __init__(self, own: Mapping[str, LabelConfig] | None = None) -> None:
        labels = [
            DecayLabel(own_label(name).number, one.pdg_id, one.daughters, one.products)
            for name, one in (own or {}).items()
        ]
        self._by_parent: dict[int, list[DecayLabel]] = {}
        for label in (*labels, *_REGISTRY):
            self._by_parent.setdefault(label.pdg_id, []).append(label)
        self._found: dict[tuple[int, ...], int | None] = {}

    @property
    def parents(self) -> frozenset[int]:
        """Identities of what may decay into a jet with a label."""
        return frozenset(self._by_parent)

    def find(self, parent: int, daughters: Sequence[int], products: Sequence[int]) -> int | None:
        """Number of the label, None for a decay without one; identities have signs."""
        # A sample has few kinds of decays and many events.
        key = (abs(parent), *sorted(map(abs, daughters)), 0, *sorted(map(abs, products)))
        if key not in self._found:
            labels = self._by_parent.get(abs(parent), ())
            self._found[key] = next((one.number for one in labels if one.fits(daughters, products)), None)
        return self._found[key]


def own_labels(labels: Mapping[str, LabelConfig]) -> tuple[JetLabel, ...]:
    """The labels as files store them.

    Raises:
        ConfigError: see :func:`~rs3l_gnn.conventions.own_label`.
    """
    return tuple(own_label(name, within=one.within, description=one.description) for name, one in labels.items())


def _one_of(patterns: _Decays, found: Sequence[int]) -> bool:
    return not patterns or any(_same(pattern, found) for pattern in patterns)


def _same(pattern: Sequence[Word], found: Sequence[int]) -> bool:
    """Whether identities are those of a pattern, in any order and without their signs."""
    left = Counter(abs(one) for one in found)
    numbers = Counter(abs(word) for word in pattern if isinstance(word, int))
    if numbers - left:
        return False
    left -= numbers
    words: Counter[str] = Counter(word for word in pattern if isinstance(word, str))
    of_words = {word: sum(left[one] for one in _WORDS[word]) for word in _WORDS}
    return sum(of_words.values()) == left.total() and all(of_words[word] == words[word] for word in _WORDS)
