"""One call from taggers and views to numbers and pictures."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from rs3l_gnn.conventions import atomic_directory, dump_config, file_digest, provenance, refuse_existing, write_json
from rs3l_gnn.evaluation.config import EvaluateConfig
from rs3l_gnn.evaluation.drawing import draw_all
from rs3l_gnn.evaluation.metrics import measure
from rs3l_gnn.evaluation.scoring import checkpoint_path, score_test_events

__all__ = ["evaluate"]


def evaluate(config: EvaluateConfig, output: Path | str, *, force: bool = False) -> dict[str, Any]:
    """Measure taggers on the test events.

    Args:
        config: views, taggers, classes, variations.
        output: folder to write: ``metrics.json``, ``config.yaml``, ``provenance.json`` and ``plots/``.
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
    scored = score_test_events(config)
    metrics = measure(config, scored)
    record = provenance(config=config, seeds={"bootstrap": config.seed})
    weights = {name: Path(checkpoint_path(sources[0], "tagger")) for name, sources in config.trainings.items()}
    record["inputs"] = {
        **{str(path): file_digest(path) for path in config.views},
        **{f"tagger {name}": file_digest(path) for name, path in weights.items() if path.is_file()},
    }
    with atomic_directory(output, force=force) as folder:
        plots = draw_all(config, scored, metrics, folder / "plots")
        document = {"format": "rs3l-metrics", "version": 1, **metrics, "plots": plots}
        write_json(folder / "metrics.json", document)
        write_json(folder / "provenance.json", record)
        (folder / "config.yaml").write_text(dump_config(config), encoding="utf-8")
    return document
