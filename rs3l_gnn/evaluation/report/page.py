"""The page: summary, sections, figures inside, settings, provenance and commands."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from rs3l_gnn.conventions import dump_config
from rs3l_gnn.evaluation.config import EvaluateConfig
from rs3l_gnn.evaluation.figures import Gallery, Picture
from rs3l_gnn.evaluation.meter import Meter
from rs3l_gnn.evaluation.report.markup import Markup, table, tag
from rs3l_gnn.evaluation.report.robustness import robustness_section, shower_weights_section
from rs3l_gnn.evaluation.report.sections import (
    ablation_section,
    curve_section,
    events_section,
    latent_section,
    performance_section,
)
from rs3l_gnn.evaluation.report.statements import Statement, statements

__all__ = ["write_report"]

_STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; color: #222; background: #fff; max-width: 72rem; margin: 0 auto;
       padding: 1rem; }
h1, h2 { line-height: 1.2; } h2 { border-bottom: 1px solid #ccc; margin-top: 2.5rem; }
.summary { border: 1px solid #3f90da; border-left-width: .5rem; padding: .5rem 1rem; background: #f4f9fe; }
.no { color: #bd1f01; } .yes { color: #1b6e2e; }
.wide { overflow-x: auto; margin: 1rem 0; }
table { border-collapse: collapse; font-size: .85rem; }
caption { text-align: left; font-weight: bold; padding-bottom: .25rem; }
th, td { border: 1px solid #ddd; padding: .2rem .5rem; text-align: right; white-space: nowrap; }
th:first-child { text-align: left; } thead th { background: #f2f2f2; white-space: normal; }
figure { margin: 1.5rem 0; } img { max-width: 100%; height: auto; } figcaption { font-size: .9rem; color: #444; }
pre { background: #f6f6f6; padding: .5rem; overflow-x: auto; font-size: .8rem; }
"""


def write_report(
    path: Path, meter: Meter, metrics: Mapping[str, Any], gallery: Gallery, record: Mapping[str, Any]
) -> None:
    """Write the report as one file that needs no other.

    Args:
        path: where it goes.
        meter: the scores, for the sentences of the summary.
        metrics: the numbers.
        gallery: the figures; their PNG files are put inside.
        record: the provenance.
    """
    config = meter.config
    sections = _sections(config, metrics)
    for picture in gallery.pictures:
        sections.setdefault(picture.section, []).append(_figure(gallery, picture))
    sections["Weights and commands"] = [_trainings(record), _commands(config, record)]
    sections["Settings"] = [tag("pre", dump_config(config))]
    sections["Provenance"] = [
        tag("pre", json.dumps({key: record[key] for key in record if key != "trainings"}, indent=2))
    ]
    links = [tag("li", tag("a", name, href=f"#{_anchor(name)}")) for name in sections]
    body = [
        tag("h1", config.title),
        _summary((*config.remarks, *meter.scored.remarks), statements(meter, metrics)),
        tag("nav", tag("ul", *links)),
        *(tag("section", tag("h2", name, id=_anchor(name)), *parts) for name, parts in sections.items()),
    ]
    head = tag(
        "head",
        tag("meta", charset="utf-8"),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("title", config.title),
        tag("style", Markup(_STYLE)),
    )
    page = f"<!DOCTYPE html>\n{tag('html', head, tag('body', *body), lang='en')}\n"
    path.write_text(page.replace("</section>", "</section>\n").replace("</tr>", "</tr>\n"), encoding="utf-8")


def _summary(remarks: Sequence[str], found: Sequence[Statement]) -> Markup:
    marks = {True: ("yes", "✓ "), False: ("no", "✗ "), None: ("fact", "")}
    lines = [tag("li", remark) for remark in remarks]
    for statement in found:
        kind, mark = marks[statement.holds]
        lines.append(tag("li", tag("span", mark + statement.text, class_=kind)))
    return tag("div", tag("ul", *lines), class_="summary")


def _sections(config: EvaluateConfig, metrics: Mapping[str, Any]) -> dict[str, list[str]]:
    """Headings and tables; figures follow in each."""
    sections: dict[str, list[str]] = {
        "Events": [events_section(config, metrics)],
        "Performance": [performance_section(config, metrics)],
    }
    if any(metrics["robustness"]["n2"].values()):
        sections["Robustness"] = [robustness_section(config, metrics)]
    if metrics["shower_weights"]:
        sections["Shower weights"] = [shower_weights_section(config, metrics)]
    for name, curve in config.curves.items():
        sections[f"Curve: {name}"] = [tag("p", curve.caption), curve_section(metrics["curves"][name])]
    for name, rows in config.tables.items():
        sections[f"Table: {name}"] = [tag("p", rows.caption), ablation_section(metrics["tables"][name])]
    if metrics["latent"]:
        sections["Latent space"] = [latent_section(metrics)]
    return sections


def _figure(gallery: Gallery, picture: Picture) -> Markup:
    data = base64.b64encode((gallery.folder / f"{picture.name}.png").read_bytes()).decode("ascii")
    image = tag("img", src=f"data:image/png;base64,{data}", alt=f"Figure {picture.name}")
    return tag("figure", image, tag("figcaption", f"{picture.caption} (plots/{picture.name}.pdf)"))


def _trainings(record: Mapping[str, Any]) -> Markup:
    rows = [
        (
            name,
            ", ".join(f"{key} {value}" for key, value in entry["seeds"].items()) or "-",
            _labels(entry["labels"]),
            (entry["config_digest"] or "-")[:12],
            (entry["sha256"] or "-")[:12],
        )
        for name, entry in record["trainings"].items()
    ]
    return table(
        ("Weights", "Seeds", "Labels seen", "Digest of the settings", "SHA-256 of the weights"),
        rows,
        caption="Every training whose scores are used; provenance.json has the full hashes",
    )


def _labels(seen: Mapping[str, int] | None) -> str:
    """Labelled events of a training: those of the loss and those that chose the epoch."""
    if seen is None:
        return "-"
    return str(seen["total"]) if not seen["choice"] else f"{seen['total']} ({seen['choice']} of them choose the epoch)"


def _commands(config: EvaluateConfig, record: Mapping[str, Any]) -> Markup:
    made = [entry["command"] for entry in record["trainings"].values() if entry["command"]]
    lines = [*config.commands, *made, "rs3l evaluate config.yaml --output evaluation"]
    return tag("pre", "\n".join(lines))


def _anchor(name: str) -> str:
    return re.sub(r"\W+", "-", name.lower()).strip("-")
