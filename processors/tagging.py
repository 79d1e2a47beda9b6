"""The coffea processor: taggers on the jets of event files, histograms with every variation."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from typing import Any, Literal

import awkward as ak
import numpy as np
from coffea.processor import ProcessorABC
from numpy.typing import NDArray

from rs3l_gnn.conventions import InputFileError, MissingBranchError, Rs3lError, n2_score
from rs3l_gnn.data import EventTables, event_numbers
from rs3l_gnn.data.dataset_variation import RECORD_KEY, variation_of
from rs3l_gnn.inference import (
    FoldNetworks,
    FoldTagger,
    JetInputs,
    JetTagger,
    LastEmbeddings,
    by_encoder,
    jet_inputs,
    require_one_score,
    table_inputs,
    with_paper,
)
from rs3l_gnn.processors.columns import Columns
from rs3l_gnn.processors.config import AnyTagger, ProcessorConfig
from rs3l_gnn.processors.event_selection import select_events
from rs3l_gnn.processors.files import is_read_error
from rs3l_gnn.processors.generated import RUNS_KEY, generated_events
from rs3l_gnn.processors.hooks import call, load_object, values_of_jets
from rs3l_gnn.processors.momenta import momentum_views
from rs3l_gnn.processors.running.bootstrap import multiplicities
from rs3l_gnn.processors.running.chunk import ChunkOutput, Selected
from rs3l_gnn.processors.running.fileset import PLAN_KEY, Plan, plan_of
from rs3l_gnn.processors.running.metadata import is_simulation
from rs3l_gnn.processors.running.summary import summarise
from rs3l_gnn.processors.seen_events import EventsOfJets, needs_numbers, refuse_seen, seen_in_training
from rs3l_gnn.processors.selection import JetView, choose_jets, nominal_view, split_mask
from rs3l_gnn.processors.shifts import shift_records, shifted_sets
from rs3l_gnn.processors.skims import jet_table
from rs3l_gnn.processors.weights import event_weights, generator_weight, weight_names

__all__ = ["TaggingProcessor"]

# What coffea adds to the metadata of each chunk; everything else came with the fileset.
_CHUNK_KEYS = ("dataset", "filename", "treename", "entrystart", "entrystop", "fileuuid", "version", RUNS_KEY)


class TaggingProcessor(ProcessorABC):  # type: ignore[misc]  # coffea ships no type information
    """Score one jet of each event with several taggers and fill histograms.

    It keeps no state but its configuration and the taggers' paths and content hashes. What :meth:`process` returns
    adds up to the same bits in any order and for any chunk size.

    Args:
        config: taggers, selection, channels, axes and systematics.
        on_error: ``raise`` lets a bad input end the job; ``collect`` returns it with the results, for a caller who
            skips bad files and who normalises the sums. What cannot be read is raised in both cases, because another
            try may succeed.

    Raises:
        CheckpointError: a tagger cannot be loaded.
        ConfigError: a tagger has several classes, and no discriminant says which make one score.
    """

    def __init__(self, config: ProcessorConfig, *, on_error: Literal["raise", "collect"] = "raise") -> None:
        self.on_error = on_error
        self.taggers = {name: _tagger(config, name, model) for name, model in config.networks.items()}
        # One table of candidates for all networks.
        self.features = with_paper(name for tagger in self.taggers.values() for name in tagger.features)
        self.stored = config.stored
        self.functions = {
            name: load_object(histogram.function, where=f"histograms.{name}.function")
            for name, histogram in config.histograms.items()
            if histogram.function is not None
        }
        for name, tagger in self.taggers.items():
            require_one_score(tagger.classes, tagger.discriminant, tagger=name)
        # Where the networks saw different ranges, a jet counts as known only if all of them know it.
        lowest = max((tagger.pt_min for tagger in self.taggers.values()), default=config.jet.training_pt_min)
        self.config = config.model_copy(update={"jet": config.jet.model_copy(update={"model_pt_min": lowest})})

    def process(self, events: Any) -> dict[str, Any]:
        """Process one chunk.

        Args:
            events: NanoEvents with ``metadata`` as coffea's Runner gives them.

        Returns:
            Mapping with one entry, the data set's name, for coffea to add up.

        Raises:
            Rs3lError: a bad input, with ``on_error="raise"``.
        """
        metadata = dict(events.metadata)
        dataset = str(metadata["dataset"])
        try:
            return {dataset: self._process(events, dataset, metadata)}
        except Exception as error:
            collect = self.on_error == "collect"
            if not (isinstance(error, Rs3lError) or (is_read_error(error) and not collect)):
                raise
            file = str(metadata.get("filename"))
            where = f"{file}, events {metadata.get('entrystart')} to {metadata.get('entrystop')}"
            kind = type(error) if isinstance(error, Rs3lError) else InputFileError
            if not collect:
                raise kind(f"{where}: {error}") from error
            return {dataset: {"failures": {(file, where, kind.__name__, str(error))}}}

    def postprocess(self, accumulator: dict[str, Any]) -> dict[str, Any] | None:
        """Turn the sums into normalised histograms; with ``on_error="collect"`` the caller does so."""
        return summarise(self.config, accumulator) if self.on_error == "raise" else None

    def select(self, events: Any) -> Any:
        """Events to keep, for processors of one's own: a subclass that has this method cuts on what it gives.

        It is called for every chunk and under every shift of the jets' momenta.

        Args:
            events: NanoEvents; the analysed jets are those of the shift, where the file holds them as a collection.

        Returns:
            True for the events that are kept [n_events].
        """
        return np.ones(len(events), dtype=bool)

    def variations(self, dataset: str, metadata: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
        """Entries of the variation axis that a data set fills, with a record of each."""
        plan = plan_of(dataset, metadata)
        variation = variation_of(dataset, metadata)
        # Of a name alone nothing is known but how it enters a fit: which stage differs, nobody said.
        about = metadata.get(RECORD_KEY) or {"name": variation.name, "two_sided": variation.two_sided}
        about = {**about, "kind": "dataset", "axis_name": plan.variation}
        records: dict[str, dict[str, Any]] = {plan.variation: about}
        if plan.variation == "nominal":
            records |= weight_names(self.config.systematics, metadata, dataset)
            records |= shift_records(self.config.systematics, metadata)
        return records

    def _process(self, events: Any, dataset: str, metadata: dict[str, Any]) -> dict[str, Any]:
        config, plan, clock = self.config, plan_of(dataset, metadata), _Clock()
        is_nominal, simulation = plan.variation == "nominal", is_simulation(metadata)
        records = self.variations(dataset, metadata)
        jets = EventTables(events, candidates=False).jets
        in_file = nominal_view(jets, anchor=config.jet.choice == "anchor")
        is_split = simulation and config.split is not None  # no network was trained on data
        is_bootstrap = simulation and config.bootstrap.replicas > 0
        by_event = is_split or plan.paired or is_bootstrap
        numbers = _event_numbers(events, needed=by_event or needs_numbers(self.taggers, plan.sample, simulation))
        kept = split_mask(config, plan.sample, numbers) if is_split else np.ones(len(events), dtype=bool)
        seen = seen_in_training(self.taggers, plan.sample, numbers[kept], simulation=simulation)
        refuse_seen(seen, config, sample=plan.sample)
        views = momentum_views(events, in_file, config.systematics, metadata, variations=is_nominal)
        columns = Columns(events, in_file)
        steps, chosen = zip(*(self._select(columns.under(view), kept, simulation) for view in views), strict=True)
        clock.lap("selection")

        # One pass of the networks serves every view in which the candidates are the same.
        wanted = _places(chosen, len(in_file.pt))
        inputs = None
        if wanted.any() and self.taggers:
            tables = EventTables(events, puppi=config.puppi, features=self.features)
            inputs = table_inputs(tables, selected=ak.unflatten(wanted, in_file.counts))
        clock.lap("features")
        known = EventsOfJets(plan.sample, np.repeat(numbers, in_file.counts))
        scores = self._scores(inputs, wanted, columns, known)
        clock.lap("networks")

        weights = event_weights(events, config.systematics, metadata, dataset, variations=is_nominal)
        counts = None
        if is_bootstrap:
            # Re-simulated events are the same hard events; those of another data set of the sample are not.
            hard = str(metadata.get("resimulated_of") or dataset)
            counts = multiplicities(hard, numbers, replicas=config.bootstrap.replicas, seed=config.bootstrap.seed)
        out = ChunkOutput(config, list(records), counts)
        for view, places in zip(views, chosen, strict=True):
            selected = self._selected(columns, view, places, scores)
            if view is not views[0]:
                out.fill(selected, {view.variation: weights["nominal"]})
                continue
            out.fill(selected, weights if is_nominal else {plan.variation: weights["nominal"]})
            out.cutflow(generator_weight(events, metadata), kept, steps[0], weights["nominal"], selected)
            # Jets of two showers are matched as the one of their event, which several are not.
            if plan.paired and config.paired and config.jet.place is not None:
                out.pair(numbers, weights["nominal"], selected)
        clock.lap("histograms")
        if is_nominal and config.systematics.candidates:
            self._fill_candidate_shifts(columns, views[0], kept, weights["nominal"], out, known=known)
            clock.lap("candidate_shifts")
        skim = (
            {"skim": jet_table(events, in_file, wanted, scores, pt_min=config.jet.training_pt_min)}
            if config.skims
            else {}
        )
        source = generated_events(metadata) if simulation else None
        return out.result(
            **skim,
            generated=set() if source is None else {source},
            events_of_file={} if source is None else {source.path: len(events)},
            events=len(events),
            jets=len(in_file.pt),
            scored_jets=int(wanted.sum()),
            seen_in_training=seen,
            metadata={_fileset_metadata(metadata, plan)},
            variations={json.dumps(record, sort_keys=True) for record in records.values()},
            models={
                **{name: {tagger.digest} for name, tagger in self.taggers.items()},
                **{name: {expression.source} for name, expression in self.stored.items()},
            },
            seconds=clock.seconds,
        )

    def _select(
        self, columns: Columns, kept: NDArray[np.bool_], simulation: bool
    ) -> tuple[dict[str, NDArray[np.bool_]], NDArray[np.int64]]:
        """Events left after each further condition [n_events] each, and places of the analysed jets [n]."""
        config = self.config
        own = self.select if type(self).select is not TaggingProcessor.select else None
        steps = select_events(config, columns, kept, simulation=simulation, select=own)
        passed = None
        for where, expression in config.expressions.items():
            if where.startswith("jet.selection."):
                mask = columns.jets_where(expression, where)
                passed = mask if passed is None else passed & mask
        return steps, choose_jets(columns.view, config.jet, [kept, *steps.values()][-1], passed)

    def _selected(
        self,
        columns: Columns,
        view: JetView,
        places: NDArray[np.int64],
        scores: Mapping[str, NDArray[np.floating]],
    ) -> Selected:
        """The analysed jets of a view with what is filled of them."""
        analysed = _places([places], len(view.pt))
        # Networks run once for all views: jets that this one leaves out have no score here.
        mine = columns.under(view, {name: np.where(analysed, score, np.nan) for name, score in scores.items()})
        own = {
            where.removeprefix("histograms."): mine.of_jets(expression, where)
            for where, expression in self.config.expressions.items()
            if where.startswith("histograms.")
        }
        for name, function in self.functions.items():
            where = f"histograms.{name}"
            found = call(function, mine.moved_events(), mine.jets(), where=where)
            own[name] = values_of_jets(found, view.counts, where=where)
        return Selected(self.config, mine, places, scores, own)

    def _fill_candidate_shifts(
        self,
        columns: Columns,
        view: JetView,
        kept: NDArray[np.bool_],
        weight: NDArray[np.float64],
        out: ChunkOutput,
        *,
        known: EventsOfJets,
    ) -> None:
        events = columns.events
        tables = EventTables(events, puppi=self.config.puppi, features=self.features)
        for shifted in shifted_sets(events, tables, view, self.config.systematics, events.metadata):
            _, places = self._select(columns.under(shifted.view), kept, simulation=True)
            wanted = _places([places], len(view.pt))
            inputs = None
            if wanted.any() and self.taggers:
                inputs = jet_inputs(
                    shifted.jets,
                    shifted.candidates,
                    shifted.links,
                    layout=tables.form,
                    selected=ak.unflatten(wanted, view.counts),
                    features=self.features,
                )
            scores = self._scores(inputs, wanted, columns, known)
            out.fill(self._selected(columns, shifted.view, places, scores), {shifted.view.variation: weight})

    def _scores(
        self, inputs: JetInputs | None, wanted: NDArray[np.bool_], columns: Columns, known: EventsOfJets
    ) -> dict[str, NDArray[np.floating]]:
        """Scores of the wanted jets by tagger, NaN for the others [n_jets]; what the file holds is not shifted."""
        scores: dict[str, NDArray[np.floating]] = {}
        of_network: dict[str, NDArray[np.float32]] = {}  # several discriminants of one network
        shared = LastEmbeddings()
        digests = {name: tagger.encoder_digest for name, tagger in self.taggers.items()}
        for name in by_encoder(self.config.taggers, digests):
            dtype = np.float64 if name in self.stored else np.float32
            values: NDArray[np.floating] = np.full(len(wanted), np.nan, dtype=dtype)
            if name in self.stored:
                values[wanted] = columns.of_jets(self.stored[name], f"taggers.{name}")[wanted]
            elif name not in self.taggers:
                values[wanted] = n2_score(_n2(columns.tables.jets)[wanted])
            elif inputs is not None:
                tagger = self.taggers[name]
                if tagger.digest not in of_network:
                    of_network[tagger.digest] = known.class_scores(tagger, inputs, wanted, shared)
                values[wanted] = tagger.combined(of_network[tagger.digest])
            scores[name] = values
        return {name: scores[name] for name in self.config.taggers}


def _tagger(config: ProcessorConfig, name: str, model: AnyTagger) -> JetTagger | FoldTagger:
    settings: dict[str, Any] = {
        "device": config.device,
        "precision": config.precision,
        "threads": config.threads,
        "puppi": config.puppi,
        "pt_min": config.jet.model_pt_min,
        "discriminant": config.discriminants.get(name),
    }
    return FoldTagger(model.files, **settings) if isinstance(model, FoldNetworks) else JetTagger(model, **settings)


def _n2(jets: Any) -> NDArray[np.float64]:
    if "n2b1" not in jets.fields:
        raise MissingBranchError("the jets lack n2b1, which the tagger n2 needs", got=", ".join(jets.fields))
    return np.asarray(ak.flatten(jets["n2b1"], axis=1), dtype=np.float64)


def _event_numbers(events: Any, *, needed: bool) -> NDArray[np.uint64]:
    numbers = event_numbers(events)
    if numbers is not None:
        return numbers
    if needed:
        raise MissingBranchError("the events have no numbers", got=", ".join(sorted(events.fields)))
    return np.zeros(len(events), dtype=np.uint64)


def _places(chosen: Iterable[NDArray[np.int64]], n_jets: int) -> NDArray[np.bool_]:
    """True for the jets that any view analyses [n_jets]."""
    mask = np.zeros(n_jets, dtype=bool)
    for places in chosen:
        mask[places] = True
    return mask


def _fileset_metadata(metadata: Mapping[str, Any], plan: Plan) -> str:
    own = {key: value for key, value in metadata.items() if key not in (*_CHUNK_KEYS, PLAN_KEY)}
    return json.dumps({"metadata": own, "plan": asdict(plan)}, sort_keys=True, default=str)


class _Clock:
    """Seconds of each step of a chunk."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self._last = time.perf_counter()

    def lap(self, step: str) -> None:
        now = time.perf_counter()
        self.seconds[step] = self.seconds.get(step, 0.0) + now - self._last
        self._last = now
