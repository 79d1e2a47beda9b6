"""The networks that come with this package, and what each says of itself."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from rs3l_gnn.conventions import JetDomain
from rs3l_gnn.models.stored import find_checkpoint, inspect_checkpoint, shipped_names

__all__ = ["ShippedNetwork", "shipped_networks"]


@dataclass(frozen=True)
class ShippedNetwork:
    """One shipped network.

    Attributes:
        name: chosen by.
        kind: encoder or tagger.
        features: of each candidate, in the order of the network.
        classes: of a tagger's scores; none for an encoder.
        domain: the jets it was trained on.
        n_parameters: trained numbers.
        digest: content hash of its weights.
        card: where it comes from and what it is good for, in Markdown.
    """

    name: str
    kind: str
    features: tuple[str, ...]
    classes: tuple[str, ...]
    domain: JetDomain
    n_parameters: int
    digest: str
    card: str

    def record(self) -> dict[str, Any]:
        """As JSON holds it."""
        return {
            "name": self.name,
            "kind": self.kind,
            "features": list(self.features),
            "classes": list(self.classes),
            "domain": self.domain.record(),
            "n_parameters": self.n_parameters,
            "digest": self.digest,
            "card": self.card,
        }


def shipped_networks() -> tuple[ShippedNetwork, ...]:
    """All shipped networks, by name."""
    return tuple(map(_network, shipped_names()))


def _network(name: str) -> ShippedNetwork:
    path = find_checkpoint(name)
    document = inspect_checkpoint(path)
    card = path.with_suffix(".md")
    is_tagger = document["kind"] == "tagger"
    return ShippedNetwork(
        name,
        document["kind"],
        tuple(feature["name"] for feature in document["features"]),
        tuple(document.get("classes") or ("signal",)) if is_tagger else (),
        JetDomain.from_record(document["domain"]),
        document["n_parameters"],
        document["digest"],
        card.read_text(encoding="utf-8") if card.is_file() else "",
    )
