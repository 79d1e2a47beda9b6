"""The page: summary, sections, figures inside, settings, provenance and commands."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rs3l_gnn.conventions import dump_config
from rs3l_gnn.evaluation.config import EvaluateConfig
from rs3l_gnn.evaluation.figures import Gallery
from rs3l_gnn.evaluation.meter import Meter
from rs3l_gnn.evaluation.origins import Origin
from rs3l_gnn.evaluation.report.parts import Figure, Section, Table, Text
from rs3l_gnn.evaluation.report.responses import response_tables
from rs3l_gnn.evaluation.report.robustness import robustness_tables, shower_weight_tables
from rs3l_gnn.evaluation.report.statements import statements
from rs3l_gnn.evaluation.report.tables import (
    ablation_table,
    curve_tables,
    events_tables,
    latent_table,
    performance_tables,
)
from rs3l_gnn.evaluation.results import Metrics

__all__ = ["write_report"]

_SENTENCES = 8
"""Of the box; the rest of a long list is folded away."""
_TIED = re.compile(r" (?=±|σ|%)|(?<=±) |(?<=\d,) (?=[^\]\[]*\])")


def write_report(
    path: Path,
    meter: Meter,
    metrics: Metrics,
    gallery: Gallery,
    *,
    origins: Mapping[str, Origin],
    record: Mapping[str, Any],
) -> None:
    """Write the report as one file that needs no other.

    Args:
        path: where it goes.
        meter: the scores, for the sentences of the summary.
        metrics: the numbers.
        gallery: the figures; their PNG files are put inside.
        origins: where the weights of each training come from.
        record: the provenance, without the trainings.
    """
    from jinja2 import Environment, PackageLoader, StrictUndefined

    config = meter.config
    sections = {section.title: section for section in _sections(config, metrics)}
    for picture in gallery.pictures:
        data = base64.b64encode((gallery.folder / f"{picture.name}.png").read_bytes()).decode("ascii")
        section = sections.setdefault(picture.section, Section(picture.section))
        section.parts.append(Figure(picture.name, picture.caption, data))
    made = [origin.command for origin in origins.values() if origin.command]
    commands = "\n".join([*config.commands, *made, "rs3l evaluate config.yaml --output evaluation"])
    environment = Environment(
        loader=PackageLoader("rs3l_gnn.evaluation", "report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters["whole"] = _whole
    page = environment.get_template("page.html").render(
        title=config.title,
        remarks=(*config.remarks, *metrics.remarks),
        statements=statements(meter, metrics),
        shown=_SENTENCES,
        sections=[
            *sections.values(),
            Section("Weights and commands", [_trainings(origins), Text(commands, "code")]),
            Section("Settings", [Text(dump_config(config), "code")]),
            Section("Provenance", [Text(json.dumps(record, indent=2), "code")]),
        ],
    )
    path.write_text(page, encoding="utf-8")


def _sections(config: EvaluateConfig, metrics: Metrics) -> list[Section]:
    """Headings and tables; figures follow in each."""
    sections = [
        Section("Events", [*events_tables(config, metrics)]),
        Section("Performance", [*performance_tables(config, metrics)]),
    ]
    if any(metrics.robustness["n2"].values()):
        sections.append(Section("Robustness", [*robustness_tables(config, metrics)]))
    if metrics.responses.responses:
        sections.append(Section("Responses", [*response_tables(config, metrics.responses)]))
    if metrics.showers.shower_weights:
        sections.append(Section("Shower weights", [*shower_weight_tables(config, metrics.showers)]))
    for name, curve in config.curves.items():
        sections.append(Section(f"Curve: {name}", [Text(curve.caption), *curve_tables(metrics.curves[name])]))
    for name, rows in config.tables.items():
        sections.append(Section(f"Table: {name}", [Text(rows.caption), ablation_table(metrics.tables[name])]))
    if metrics.latent:
        sections.append(Section("Latent space", [latent_table(metrics)]))
    return sections


def _whole(cell: str) -> str:
    """A cell whose lines break between a value, its interval and its significance, and nowhere inside of them."""
    return _TIED.sub("\N{NO-BREAK SPACE}", cell)


def _trainings(origins: Mapping[str, Origin]) -> Table:
    rows = [
        (
            name,
            ", ".join(f"{key} {value}" for key, value in origin.seeds.items()) or "-",
            origin.labels_seen,
            (origin.config_digest or "-")[:12],
            (origin.sha256 or "-")[:12],
        )
        for name, origin in origins.items()
    ]
    return Table(
        ("Weights", "Seeds", "Labels seen", "Digest of the settings", "SHA-256 of the weights"),
        rows,
        "Every training whose scores are used; provenance.json has the full hashes",
    )
