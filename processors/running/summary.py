"""From the sums of all chunks to normalised histograms with what a fit has to know."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import numpy as np

from rs3l_gnn.conventions import ConfigError, known_variations
from rs3l_gnn.processors.config import N2, ProcessorConfig
from rs3l_gnn.processors.event_selection import SELECT, event_steps
from rs3l_gnn.processors.running.bootstrap import Replicas
from rs3l_gnn.processors.running.chunk import cutflow_steps
from rs3l_gnn.processors.running.covariances import Covariances
from rs3l_gnn.processors.running.exact import empty_hist
from rs3l_gnn.processors.running.fileset import Plan
from rs3l_gnn.processors.running.metadata import is_simulation
from rs3l_gnn.processors.running.normalisation import Normalisation, normalisations
from rs3l_gnn.processors.running.paired import joint_weights

__all__ = ["summarise"]


def summarise(
    config: ProcessorConfig, accumulated: Mapping[str, Any], *, trust_metadata: bool = True
) -> dict[str, Any]:
    """Normalise and merge the data sets.

    The weight of an event is multiplied by xsec / sumw, in pb, and by 1 / (share of the weights on the side of the
    split), so that a fit only multiplies by the luminosity. Data have weight 1. See
    :func:`rs3l_gnn.processors.running.normalisation.normalisations`.

    Args:
        config: the processor's.
        accumulated: data set -> added-up results of :meth:`TaggingProcessor.process`.
        trust_metadata: take the sum of weights from the metadata where the files themselves do not say it;
            False after a run over a part of the files, for which that number is not right.

    Returns:
        ``histograms`` (name -> hist.Hist), ``datasets``, ``variations``, ``models``, ``cutflow``, and ``paired``
        (name -> covariances of nominal and varied templates, see
        :meth:`rs3l_gnn.processors.running.covariances.Covariances.document`); with a bootstrap also ``replicas``, a
        :class:`rs3l_gnn.processors.running.bootstrap.Replicas`.

    Raises:
        ConfigError: files of one data set disagree on its metadata, or data sets of one sample on their cross-section.
        InvalidDataError: the weights of a data set add up to nothing.
    """
    parts = {name: accumulated[name] for name in sorted(accumulated) if "histograms" in accumulated[name]}
    plans, metadata = {}, {}
    for name, part in parts.items():
        metadata[name], plans[name] = _metadata(name, part)
    norms = normalisations(parts, plans, metadata, is_split=config.split is not None, trust_metadata=trust_metadata)
    scales = {name: norm.scale for name, norm in norms.items()}
    entries = sorted({plan.entry for plan in plans.values()})
    records = _variations(parts)
    replicas = Replicas(config.bootstrap.replicas, config.bootstrap.seed, {})
    for name, part in parts.items():
        replicas.add(plans[name].entry, scales[name], part.get("replicas", {}))
    return {
        **({"replicas": replicas} if replicas.histograms else {}),
        "histograms": {name: _merged(config, name, parts, plans, scales) for name in config.variables},
        "datasets": {entry: _entry(entry, parts, plans, metadata, norms) for entry in entries},
        "variations": records,
        "models": _models(config, parts),
        "cutflow": {name: _cutflow(config, part, scales[name]) for name, part in parts.items()},
        "paired": _paired(config, parts, plans, metadata, scales),
    }


def _metadata(name: str, part: Mapping[str, Any]) -> tuple[dict[str, Any], Plan]:
    if len(part["metadata"]) != 1:
        raise ConfigError(f"the chunks of data set {name!r} disagree on its metadata", got=sorted(part["metadata"]))
    document = json.loads(next(iter(part["metadata"])))
    return document["metadata"], Plan(**document["plan"])


def _variations(parts: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Name on the variation axis -> record, nominal first."""
    known = {variation.axis_name: variation.record() for variation in known_variations().values()}
    records: dict[str, dict[str, Any]] = {"nominal": known["nominal"]}
    for part in parts.values():
        for text in sorted(part["variations"]):
            record = json.loads(text)
            name = record["axis_name"]
            if record["kind"] == "dataset":
                record = _fullest(record, known.get(name), records.get(name))
            records[name] = record
    return {"nominal": records.pop("nominal"), **dict(sorted(records.items()))}


def _fullest(record: dict[str, Any], registered: dict[str, Any] | None, other: dict[str, Any] | None) -> dict[str, Any]:
    """What is known of a variation: of the registry, of the files, else what its name says."""
    if registered is not None and record.get("vartype") in (None, registered["vartype"]):
        return registered
    return record if other is None or "vartype" in record else other


def _merged(
    config: ProcessorConfig,
    name: str,
    parts: Mapping[str, Any],
    plans: Mapping[str, Plan],
    scales: Mapping[str, float],
) -> Any:
    entries = sorted({plan.entry for plan in plans.values()})
    channels = [channel.name for channel in config.channels]
    merged = empty_hist(entries, channels, list(_variations(parts)), config.variables[name])
    for dataset, part in parts.items():
        part["histograms"][name].add_to(merged, plans[dataset].entry, scales[dataset])
    return merged


def _entry(
    entry: str,
    parts: Mapping[str, Any],
    plans: Mapping[str, Plan],
    metadata: Mapping[str, Mapping[str, Any]],
    norms: Mapping[str, Normalisation],
) -> dict[str, Any]:
    members = [name for name in parts if plans[name].entry == entry]
    nominal = [name for name in members if plans[name].variation == "nominal"]
    first = metadata[nominal[0] if nominal else members[0]]
    filled = sorted({variation for name in members for variation in parts[name]["histograms"]["pt"].variations})
    return {
        "process": first.get("process", entry),
        "sample": first.get("sample", entry),
        "isMC": is_simulation(first),
        "xsec": first.get("xsec"),
        "sumw": sum(norms[name].sumw for name in nominal),
        "events": sum(parts[name]["events"] for name in nominal),
        "normalised": is_simulation(first) and first.get("xsec") is not None,
        "variations": filled,
        "resimulated": sorted({plans[name].variation for name in members} - {"nominal"}),
        "filesets": {
            name: {
                **metadata[name],
                "variation_axis": plans[name].variation,
                "sumw_processed": float(parts[name]["sumw"].values()[0]),
                "events": parts[name]["events"],
                "sumw_used": norms[name].sumw,
                "sumw_source": norms[name].source,
                "split_share": norms[name].share,
                "scale": norms[name].scale,
            }
            for name in members
        },
    }


def _models(config: ProcessorConfig, parts: Mapping[str, Any]) -> dict[str, list[str]]:
    models: dict[str, set[str]] = {name: {N2} if model == N2 else set() for name, model in config.taggers.items()}
    for part in parts.values():
        for name, digests in part["models"].items():
            models[name] |= digests
    return {name: sorted(digests) for name, digests in models.items()}


def _cutflow(config: ProcessorConfig, part: Mapping[str, Any], scale: float) -> dict[str, dict[str, float]]:
    weights, counts = part["cutflow"]["weights"].values(), part["cutflow"]["events"]
    own = [SELECT] if SELECT in counts else []
    return {
        step: {
            "events": counts[step],
            "weights": float(weights[position]),
            "normalised": float(weights[position] * scale),
        }
        for position, step in enumerate(cutflow_steps(config, [*event_steps(config), *own]))
    }


def _paired(
    config: ProcessorConfig,
    parts: Mapping[str, Any],
    plans: Mapping[str, Plan],
    metadata: Mapping[str, Mapping[str, Any]],
    scales: Mapping[str, float],
) -> dict[str, Any]:
    """Histogram -> covariances of the nominal and the varied templates."""
    channels = [channel.name for channel in config.channels]
    found = {name: Covariances(channels, variable) for name, variable in config.variables.items()}
    for name, part in parts.items():
        for histogram, content in part["histograms"].items():
            for (channel, variation), cells in content.joint.items():
                found[histogram].add(
                    plans[name].entry, channel, variation, cells.keys, cells.values() * scales[name] ** 2
                )
    pairs = {
        name: str(meta["resimulated_of"])
        for name, meta in metadata.items()
        if "pairs" in parts[name] and "pairs" in parts.get(str(meta.get("resimulated_of")), {})
    }
    for name, parent in pairs.items():
        nominal = parts[parent]["pairs"]
        joint = joint_weights(nominal, parts[name]["pairs"], n_channels=len(channels), n_bins=config.score.bins + 2)
        joint *= scales[parent] * scales[name]
        for histogram, covariance in zip(nominal.names, joint, strict=True):
            for channel, content in zip(channels, covariance, strict=True):
                cells = np.flatnonzero(content)
                found[histogram].add(plans[name].entry, channel, plans[name].variation, cells, content.flat[cells])
    documents = {name: covariances.document() for name, covariances in found.items()}
    return {name: document for name, document in documents.items() if document is not None}
