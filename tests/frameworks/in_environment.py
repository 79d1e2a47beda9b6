"""Run inside the environment of a framework: scores of the jets of a PFNano file in every mode that it has, as JSON."""

from __future__ import annotations

import importlib
import importlib.util
import json
import sys
import warnings
from typing import Any

import awkward as ak
import coffea
import numpy as np
from coffea import processor
from coffea.nanoevents import BaseSchema, NanoAODSchema, NanoEventsFactory, PFNanoAODSchema

from rs3l_gnn.inference import JetTagger, event_inputs

warnings.simplefilter("ignore")  # of the frameworks
NanoAODSchema.warn_missing_crossrefs = False
OLD = coffea.__version__.startswith("0.7")
SCHEMAS = (PFNanoAODSchema, NanoAODSchema, BaseSchema)


def nano_events(path: str, schema: Any, mode: str | None) -> Any:
    """Events of the file."""
    if OLD:
        return NanoEventsFactory.from_root(path, treepath="Events", schemaclass=schema).events()
    return NanoEventsFactory.from_root({path: "Events"}, schemaclass=schema, mode=mode).events()


def flat(scores: Any) -> list[float]:
    """Scores of all jets one after another."""
    return [float(p) for p in np.asarray(ak.flatten(scores))]


def main(path: str) -> None:
    """All modes of this environment."""
    tagger = JetTagger("default-hbb")

    def scores(events: Any) -> Any:
        jets = event_inputs(events)
        return jets.jagged(tagger.score(jets))

    found: dict[str, Any] = {}
    for schema in SCHEMAS:
        for mode in ("old",) if OLD else ("eager", "virtual"):
            events = nano_events(path, schema, mode)
            name = f"{schema.__name__} {mode}"
            found[name] = flat(scores(events))
            found[f"{name} masked"] = flat(scores(events[np.arange(len(events)) % 2 == 0]))
    plain = importlib.import_module("plain_processor")
    if OLD:
        run = {"schema": PFNanoAODSchema}
        for name in ("iterative", "futures"):
            executor = getattr(processor, f"{name}_executor")
            found[f"{name} executor"] = processor.run_uproot_job(
                {"toy": [path]}, "Events", plain.TagJets(), executor, executor_args=run | {"status": False}
            )
    else:
        fileset = {"toy": {"files": {path: "Events"}}}
        for executor in (processor.IterativeExecutor(status=False), processor.FuturesExecutor(workers=1, status=False)):
            runner = processor.Runner(executor, schema=PFNanoAODSchema)
            found[f"{type(executor).__name__} executor"] = runner(fileset, plain.TagJets())
    if importlib.util.find_spec("pocket_coffea"):
        # The two methods that PocketCoffea calls on the events of a chunk; the rest of it wants a whole analysis.
        workflow = importlib.import_module("pocket_coffea_workflow").TaggedJets
        step = workflow.__new__(workflow)
        step.events = nano_events(path, PFNanoAODSchema, None)
        step.apply_object_preselection("nominal")
        step.count_objects("nominal")
        found["PocketCoffea workflow"] = flat(step.events["FatJet"]["rs3l_score"])
        found["PocketCoffea workflow masked"] = flat(step.events["FatJetGood"]["rs3l_score"][::2])
    if not OLD and importlib.util.find_spec("dask_awkward"):
        dask_awkward = importlib.import_module("dask_awkward")

        lazy = importlib.import_module("lazy_scores")
        for schema in SCHEMAS:
            events = nano_events(path, schema, "dask")
            later = lazy.scores_of(events)
            (read,) = dask_awkward.report_necessary_columns(later).values()
            found[f"{schema.__name__} dask columns"] = sorted(read)
            found[f"{schema.__name__} dask"] = flat(later.compute(scheduler="sync"))
            found[f"{schema.__name__} dask masked"] = flat(
                lazy.scores_of(events[events["event"] % 2 == 0]).compute(scheduler="sync")
            )
    sys.stdout.write(json.dumps(found) + "\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
