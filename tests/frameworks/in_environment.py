"""Run inside the environment of a framework: scores of the jets of a PFNano file in every mode that it has, as JSON."""

from __future__ import annotations

import importlib
import importlib.util
import json
import os
import sys
import tempfile
import warnings
from pathlib import Path
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


def run(executor: Any, fileset: Any, tagging: Any) -> Any:
    """What a processor gives on an executor of coffea 2026."""
    return processor.Runner(executor, schema=PFNanoAODSchema)(fileset, tagging)


def with_parsl(fileset: Any, tagging: Any) -> Any:
    """The same on a process of Parsl on the loopback."""
    parsl = importlib.import_module("parsl")
    executors = importlib.import_module("parsl.executors")
    here = {"address": "127.0.0.1", "loopback_address": "127.0.0.1", "max_workers_per_node": 1}
    with tempfile.TemporaryDirectory() as folder:
        one = executors.HighThroughputExecutor(label="here", encrypted=False, working_dir=folder, **here)
        with parsl.load(parsl.Config(executors=[one], run_dir=folder, usage_tracking=0)):
            return run(processor.ParslExecutor(status=False), fileset, tagging)


def with_dask(fileset: Any, tagging: Any) -> Any:
    """The same on a worker process of Dask on the loopback."""
    distributed = importlib.import_module("distributed")
    options = {"n_workers": 1, "threads_per_worker": 1, "host": "127.0.0.1", "dashboard_address": None}
    with distributed.LocalCluster(**options) as cluster, distributed.Client(cluster) as client:
        return run(processor.DaskExecutor(client=client, status=False), fileset, tagging)


def in_pocket_coffea(path: str) -> dict[str, list[float]]:
    """Scores in the column of a whole run: Configurator, workflow, weights, histograms and columns.

    The parameters are those of a processor without calibrations; PocketCoffea's own defaults stand on CVMFS.
    """
    configuration = importlib.import_module("pocket_coffea_config").configuration
    omegaconf = importlib.import_module("omegaconf")
    parameters = omegaconf.OmegaConf.create({"jets_calibration": {}, "default_nano_version": {"2018": 9}})
    metadata = {"sample": "toys", "year": "2018", "isMC": "True", "xsec": 1.0, "nevents": "60"}
    with tempfile.TemporaryDirectory() as folder:
        datasets = Path(folder, "datasets.json")
        datasets.write_text(json.dumps({"toys_2018": {"metadata": metadata, "files": [path]}}))
        config = configuration(parameters, [str(datasets)])
        config.load()
    one = processor.IterativeExecutor(status=False)
    runner = processor.Runner(executor=one, schema=PFNanoAODSchema, metadata_cache={})  # not of other runs
    out = runner(config.filesets, treename="Events", processor_instance=config.processor_instance)
    column = out["columns"]["toys"]["toys_2018"]["baseline"]["nominal"]["FatJetGood_rs3l_score"]
    (histogram,) = out["variables"]["score"]["toys"].values()
    counts, _ = np.histogram(column.value, bins=20, range=(0, 1))
    assert np.allclose(histogram.values().sum(axis=(0, 1)) * out["sum_genweights"]["toys_2018"], counts)
    return {"PocketCoffea run": flat(ak.Array([column.value]))}


def in_columnflow(path: str) -> dict[str, list[float]]:
    """The producer on the columns that it asks for and no others, as columnflow's tasks read them."""
    with tempfile.TemporaryDirectory() as folder:
        law = Path(folder, "law.cfg")
        law.write_text("[analysis]\nlog_array_function_runtime: False\n")
        os.environ["LAW_CONFIG_FILE"] = str(law)
        columnar_util = importlib.import_module("columnflow.columnar_util")
        produce = importlib.import_module("columnflow_producer").rs3l_score()
    found = {}
    for schema in (NanoAODSchema, PFNanoAODSchema):
        events = NanoEventsFactory.from_root({path: "Events"}, schemaclass=schema, delayed=False).events()
        read = columnar_util.RouteFilter(produce.used_columns)(events)
        found[schema.__name__] = flat(produce(read)["FatJet"]["rs3l_score"])
    return found


def main(path: str) -> None:
    """All modes of this environment."""
    tagger = JetTagger("default-hbb")

    def scores(events: Any) -> Any:
        jets = event_inputs(events)
        return jets.jagged(tagger.score(jets))

    found: dict[str, Any] = {}
    if importlib.util.find_spec("columnflow"):
        found |= in_columnflow(path)
        sys.stdout.write(json.dumps(found) + "\n")
        return
    for schema in SCHEMAS:
        for mode in ("old",) if OLD else ("eager", "virtual"):
            events = nano_events(path, schema, mode)
            name = f"{schema.__name__} {mode}"
            found[name] = flat(scores(events))
            found[f"{name} masked"] = flat(scores(events[np.arange(len(events)) % 2 == 0]))
    plain = importlib.import_module("plain_processor")
    if OLD:
        arguments = {"schema": PFNanoAODSchema, "status": False}
        for name in ("iterative", "futures"):
            executor = getattr(processor, f"{name}_executor")
            found[f"{name} executor"] = processor.run_uproot_job(
                {"toy": [path]}, "Events", plain.TagJets(), executor, executor_args=arguments
            )
    else:
        fileset = {"toy": {"files": {path: "Events"}}}
        for executor in (processor.IterativeExecutor(status=False), processor.FuturesExecutor(workers=1, status=False)):
            found[f"{type(executor).__name__} executor"] = run(executor, fileset, plain.TagJets())
        if importlib.util.find_spec("parsl"):
            found["Parsl executor"] = with_parsl(fileset, plain.TagJets())
        if importlib.util.find_spec("distributed"):
            found["Dask executor"] = with_dask(fileset, plain.TagJets())
    if importlib.util.find_spec("pocket_coffea"):
        found |= in_pocket_coffea(path)
        # The two methods that PocketCoffea calls on the events of a chunk, on events without a jet, too.
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
