"""``rs3l weights``."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from rs3l_gnn.cli.app import verb
from rs3l_gnn.conventions import ConfigError

__all__ = ["weights"]


@verb()
def weights(
    name: Annotated[str | None, typer.Argument(metavar="NAME", help="Show the card of one network.")] = None,
    *,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document instead of lines.")] = False,
) -> None:
    """List the networks that come with the package: what they take, what they tell apart, where they come from."""
    from rs3l_gnn.inference import shipped_networks

    networks = {network.name: network for network in shipped_networks()}
    if name is not None and name not in networks:
        raise ConfigError(f"no shipped network {name!r}", allowed=list(networks))
    chosen = list(networks.values()) if name is None else [networks[name]]
    if as_json:
        typer.echo(json.dumps([network.record() for network in chosen], indent=2))
    elif name is not None:
        typer.echo(chosen[0].card.strip())
    else:
        for network in chosen:
            domain = network.domain
            jets = f"R = {domain.radius:g}, pT > {domain.pt_min:g} GeV" if domain.radius and domain.pt_min else "jets"
            classes = f", classes {', '.join(network.classes)}" if network.classes else ""
            typer.echo(f"{network.name}: {network.kind} of {network.n_parameters:,} parameters{classes}")
            typer.echo(f"  trained on {jets}; formats {', '.join(domain.formats or ('unknown',))}")
            typer.echo(f"  {len(network.features)} features: {', '.join(network.features)}")
        typer.echo("rs3l weights NAME shows where one comes from; names go where a tagger or encoder is asked for")
