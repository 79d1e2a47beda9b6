"""``rs3l plot``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from rs3l_gnn.cli.app import verb
from rs3l_gnn.cli.options import Force, Output

__all__ = ["plot"]


@verb()
def plot(
    directory: Annotated[Path, typer.Argument(metavar="DIR", help="Output of rs3l simulate, or one of its samples.")],
    *,
    label: Annotated[str, typer.Option("--label", help="Whose figures these are: cms, atlas or none.")] = "none",
    status: Annotated[str, typer.Option("--status", help="Words after the label.")] = "Simulation",
    energy: Annotated[float | None, typer.Option("--energy", help="Centre-of-mass energy, TeV.")] = None,
    output: Output = Path("plots"),
    force: Force = False,
) -> None:
    """Draw a simulation: every variable by variation with ratios, means, pT of views, shower weights beside showers."""
    from rs3l_gnn.conventions import PlotStyle, parse_config
    from rs3l_gnn.simulation.validation import plot_simulation

    style = parse_config(PlotStyle, {"label": label, "status": status, "energy": energy}, where="the options")
    report = plot_simulation(directory, output, style=style, force=force)
    for (sample, name, variable), shift in report.shifts.items():
        if variable == "multiplicity":
            typer.echo(f"{sample}, {name}: {shift.shift:+.2f} ± {shift.error:.2f} candidates on {shift.events} events")
    typer.echo(f"{len(report.figures)} figures and {len(report.tables)} tables")
    typer.echo(f"wrote {output}")
