"""One call from taggers and views to numbers, pictures and a report."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from rs3l_gnn.conventions import atomic_directory, dump_config, file_digest, provenance, refuse_existing, write_json
from rs3l_gnn.evaluation.config import BASELINE, EvaluateConfig
from rs3l_gnn.evaluation.figures import draw_all
from rs3l_gnn.evaluation.figures.losses import read_history
from rs3l_gnn.evaluation.meter import Meter
from rs3l_gnn.evaluation.metrics import measure
from rs3l_gnn.evaluation.report import write_report
from rs3l_gnn.evaluation.scoring import checkpoint_path, find_test_events, score_test_events

__all__ = ["evaluate"]


def evaluate(config: EvaluateConfig, output: Path | str, *, force: bool = False) -> dict[str, Any]:
    """Measure taggers on the test events.

    Args:
        config: views, taggers, classes, variations, curves, tables.
        output: folder to write: ``report.html``, ``metrics.json``, ``config.yaml``, ``provenance.json`` and ``plots/``.
        force: replace an existing folder.

    Returns:
        The content of ``metrics.json``; its keys are those of :func:`~rs3l_gnn.evaluation.metrics.measure`.

    Raises:
        OutputError: the folder exists or cannot be written.
        InputFileError: no views, damaged ones, or no test event.
        CheckpointError: a tagger cannot be loaded.
        InvalidDataError: a class has no test event.
    """
    output = Path(output)
    refuse_existing(output, force=force)
    # Whatever is wrong with the settings or small files shows before the long part.
    for history in config.histories.values():
        read_history(history)
    Meter(config, find_test_events(config)).check()
    meter = Meter(config, score_test_events(config))
    metrics = measure(meter)
    record = provenance(config=config, seeds={"bootstrap": config.seed})
    record["inputs"] = {str(path): file_digest(path) for path in config.views}
    sources = dict.fromkeys(weights for trainings, _ in config.recipes() for weights in trainings)
    record["trainings"] = {weights: _training(weights) for weights in sources if weights != BASELINE}
    with atomic_directory(output, force=force) as folder:
        gallery = draw_all(meter, metrics, folder / "plots")
        document = {"format": "rs3l-metrics", "version": 2, **metrics, "plots": gallery.files}
        write_json(folder / "metrics.json", document)
        write_json(folder / "provenance.json", record)
        write_report(folder / "report.html", meter, metrics, gallery, record)
        (folder / "config.yaml").write_text(dump_config(config), encoding="utf-8")
    return document


def _training(weights: str) -> dict[str, Any]:
    """Where weights come from, as far as they tell."""
    from rs3l_gnn.models import inspect_checkpoint

    path = Path(checkpoint_path(weights, "tagger"))
    document = inspect_checkpoint(path)
    origin = document.get("provenance") or {}
    settings = Path(weights) / "config.yaml"
    return {
        "sha256": file_digest(path) if path.is_file() else None,
        "digest": document.get("digest"),
        "seeds": origin.get("seeds", {}),
        "labels": origin.get("labels"),
        "config_digest": origin.get("config_digest"),
        "command": f"rs3l finetune {settings} --output {weights}" if settings.is_file() else None,
    }
