"""``rs3l simulate``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from rs3l_gnn.cli.app import verb
from rs3l_gnn.cli.options import AsJson, ConfigFile, Force, Output, Overrides, as_overrides, print_json
from rs3l_gnn.conventions import ConfigError, load_config

__all__ = ["simulate"]


@verb(config="rs3l_gnn.simulation.SimulationConfig")
def simulate(
    config: ConfigFile = None,
    *,
    lhe: Annotated[Path | None, typer.Option("--lhe", help="Shower this LHE file, plain or packed.")] = None,
    process: Annotated[str | None, typer.Option("--process", help="Generate this built-in process.")] = None,
    sample: Annotated[str | None, typer.Option("--sample", help="Name of the sample [process or file name].")] = None,
    events: Annotated[
        int | None,
        typer.Option(
            "--events",
            "-n",
            help="Hard events of each sample; without it those of the configuration, or the whole file.",
        ),
    ] = None,
    variations: Annotated[str | None, typer.Option("--variations", help="Names, separated by commas.")] = None,
    start: Annotated[
        str | None, typer.Option("--from", help="What the views share: hard, shower (partons) or particles.")
    ] = None,
    workers: Annotated[int | None, typer.Option("--workers", "-w", help="Processes.")] = None,
    scheduler: Annotated[str | None, typer.Option("--scheduler", help="Address of a Dask scheduler.")] = None,
    overrides: Overrides = None,
    output: Output = Path("simulation"),
    force: Force = False,
    as_json: AsJson = False,
) -> None:
    """Simulate hard events again in every variation: shower, detector, jets, one PFNano-like ROOT file each."""
    from rs3l_gnn.simulation import SimulationConfig
    from rs3l_gnn.simulation import simulate as run

    options = []
    if lhe is not None or process is not None:
        name = sample or process or "".join(c if c.isalnum() else "_" for c in lhe.name.split(".lhe")[0])  # type: ignore[union-attr] # one of the two is given
        options += as_overrides(
            {f"samples.{name}.process": process, f"samples.{name}.lhe": lhe, f"samples.{name}.events": events}
        )
    elif events is not None:
        known = load_config(SimulationConfig, config, overrides or ()).samples
        options += [f"samples.{name}.events={events}" for name in ([sample] if sample else known)]
    elif sample is not None:
        raise ConfigError("--sample names what --lhe, --process or --events is about", hint="give one of them")
    if variations is not None:
        options.append(f"variations=[{variations}]")
    options += as_overrides({"start": start, "workers": workers, "scheduler": scheduler})
    settings = load_config(SimulationConfig, config, [*options, *(overrides or ())])
    summary = run(settings, output, force=force)
    if as_json:
        print_json(output, summary.document())
        return
    # Without the nominal view nothing can be matched here; the number is then the share with a jet in any view.
    share = "match efficiency" if settings.nominal else "share with a jet in any variation"
    for name, result in summary.samples.items():
        typer.echo(
            f"{name}: {result.hard_events} hard events, {len(result.failed_events)} rejected by the generator, "
            f"{share} {result.match_efficiency:.3f}"
        )
        if result.without_jet:
            reasons = "; ".join(f"{reason} ({count})" for reason, count in result.without_jet.items())
            typer.echo(f"{name}: without a jet in {next(iter(result.matched))}: {reasons}")
        if any(result.vetoed.values()):
            counts = ", ".join(
                f"{variation} {count} ({result.merged_xsec_pb[variation]:.4g} pb)"
                for variation, count in result.vetoed.items()
            )
            typer.echo(f"{name}: {result.xsec_pb:.4g} pb before merging; vetoed: {counts}")
    typer.echo(f"wrote {output} ({summary.showers_per_second:.0f} showers/s)")
