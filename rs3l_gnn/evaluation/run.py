"""One call from taggers and views to numbers, pictures and a report."""

from __future__ import annotations

from pathlib import Path

from rs3l_gnn.conventions import atomic_directory, dump_config, file_digest, provenance, refuse_existing, write_json
from rs3l_gnn.conventions.inputs import file_states, require_unchanged
from rs3l_gnn.conventions.locks import holds_output
from rs3l_gnn.evaluation.config import BASELINE, EvaluateConfig
from rs3l_gnn.evaluation.figures import draw_all
from rs3l_gnn.evaluation.figures.losses import read_history
from rs3l_gnn.evaluation.meter import Meter
from rs3l_gnn.evaluation.metrics import measure
from rs3l_gnn.evaluation.origins import origin_of
from rs3l_gnn.evaluation.report import write_report
from rs3l_gnn.evaluation.responses.others import check_responses, score_others
from rs3l_gnn.evaluation.results import Metrics, as_document
from rs3l_gnn.evaluation.scoring import find_test_events, score_test_events

__all__ = ["evaluate"]


@holds_output
def evaluate(config: EvaluateConfig, output: Path | str, *, force: bool = False) -> Metrics:
    """Measure taggers on the test events.

    Args:
        config: views, taggers, classes, variations, curves, tables.
        output: folder to write: ``report.html``, ``metrics.json``, ``config.yaml``, ``provenance.json`` and ``plots/``.
        force: replace an existing folder.

    Returns:
        The numbers, as in ``metrics.json``.

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
    others = () if config.responses is None else config.responses.unpaired.values()
    views = [path for paths in (config.views, *others) for path in paths]
    before = file_states(views)
    found = Meter(config, find_test_events(config))
    found.check()
    check_responses(found)
    meter = Meter(config, score_test_events(config), score_others(config))
    metrics = measure(meter)
    require_unchanged(before)
    record = provenance(config=config, seeds={"bootstrap": config.seed})
    record["inputs"] = {str(path): file_digest(path) for path in views}
    sources = dict.fromkeys(weights for trainings, _ in config.recipes() for weights in trainings)
    origins = {weights: origin_of(weights, config) for weights in sources if weights != BASELINE}
    with atomic_directory(output, force=force) as folder:
        gallery = draw_all(meter, metrics, folder / "plots")
        document = {"format": "rs3l-metrics", "version": 3, **metrics.document(), "plots": gallery.files}
        write_json(folder / "metrics.json", document)
        write_json(folder / "provenance.json", {**record, "trainings": as_document(origins)})
        write_report(folder / "report.html", meter, metrics, gallery, origins=origins, record=record)
        (folder / "config.yaml").write_text(dump_config(config), encoding="utf-8")
    return metrics
