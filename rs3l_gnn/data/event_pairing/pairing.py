"""Event files of any format in, one file of views out.

Everything but particles is read first and kept in memory, about 100 bytes an event and 100 bytes a jet, so that
events are found in whatever file and order they are. Then each file's particles are read once, in the order of the
file: those of the other views wait in a file without a name beside the output until their nominal jets come. Files are
read in this process or by workers; what is made of them, and in which order it is written, is the same.
"""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator, Mapping
from contextlib import ExitStack, closing
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rs3l_gnn.conventions import (
    FEATURE_NAMES,
    JetDomain,
    JetLabel,
    Progress,
    Variation,
    jettype_names,
    merge_domains,
    merge_labels,
    progress,
)
from rs3l_gnn.conventions.jagged import count_runs
from rs3l_gnn.data.event_pairing.caps import within_caps
from rs3l_gnn.data.event_pairing.chunk_run import ChunkRun
from rs3l_gnn.data.event_pairing.config import EventPairConfig
from rs3l_gnn.data.event_pairing.event_files import EventFile
from rs3l_gnn.data.event_pairing.indices import read_indices
from rs3l_gnn.data.event_pairing.jet_table import JET_NUMBERS
from rs3l_gnn.data.event_pairing.open_trees import OpenTrees
from rs3l_gnn.data.event_pairing.particle_store import ParticleStore, in_order
from rs3l_gnn.data.event_pairing.particles import ParticleSettings, read_particles
from rs3l_gnn.data.event_pairing.partners import FoundEvents, JetPartners, find_events, find_partners
from rs3l_gnn.data.event_pairing.plan import plan_sample
from rs3l_gnn.data.event_pairing.read_plan import ReadPlan
from rs3l_gnn.data.event_pairing.report import EventSampleReport
from rs3l_gnn.data.event_pairing.sample_views import SampleViews, find_samples
from rs3l_gnn.data.event_pairing.view_index import ViewIndex
from rs3l_gnn.data.feature_fields import require_features
from rs3l_gnn.data.fileset import require_samples
from rs3l_gnn.data.read_ahead import read_ahead
from rs3l_gnn.data.views import Views, group_views
from rs3l_gnn.data.views_writer import ViewsWriter

__all__ = ["EventFiles", "pair_event_files"]


@dataclass(frozen=True)
class EventFiles:
    """What is to be paired, looked at but not read.

    Attributes:
        samples: with their views.
        plans: what is read of each.
        names: of the samples in the file of views.
        variations: of all samples, by rising number.
        domain: what kind of jets they are.
        labels: those of the user's own that the jets may have.
        features: names of the columns of their particles.
        scores: names of the taggers whose scores the files hold.
        shower_weights: of the nominal events of any sample, by what they vary.
        skipped: files that cannot be opened, and why.
    """

    samples: tuple[SampleViews, ...]
    plans: tuple[ReadPlan, ...]
    names: tuple[str, ...]
    variations: tuple[Variation, ...]
    domain: JetDomain
    labels: tuple[JetLabel, ...]
    scores: tuple[str, ...]
    features: tuple[str, ...] = FEATURE_NAMES
    shower_weights: tuple[str, ...] = ()
    skipped: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def look(
        cls,
        config: EventPairConfig,
        variations: tuple[str, ...] | None,
        features: tuple[str, ...] | None = None,
        *,
        sample_names: Mapping[str, str] | None = None,
        trees: OpenTrees | None = None,
        skip_bad_files: bool = False,
    ) -> EventFiles:
        """Open every file and refuse what cannot be paired; errors as :func:`find_samples` and :func:`plan_sample`.

        Args:
            config: settings.
            variations: to keep beside nominal; all if None.
            features: of the particles, which all files must be able to give; the paper's if None, with zeros for
                impact parameters that a format lacks.
            sample_names: other names of samples, old -> new.
            trees: files that stay open; none does if not given.
            skip_bad_files: leave out files that cannot be opened.

        Raises:
            ConfigError: a name for a sample that is not there.
            MissingBranchError: a file cannot give the features.
            InvalidDataError: files with jets of different radii.
        """
        names: Mapping[str, str] = sample_names or {}
        skipped: dict[str, str] | None = {} if skip_bad_files else None
        found = find_samples(config, variations, trees, skipped)
        require_samples(names, [sample.name for sample in found])
        samples = tuple(replace(sample, name=names.get(sample.name, sample.name)) for sample in found)
        for file in _all_files(samples) if features is not None else ():
            require_features(file.form, features or (), file.form.further_fields(file.names), where=file.path)
        plans = tuple(plan_sample(sample, config) for sample in samples)
        known = {view.variation.vartype: view.variation for sample in samples for view in sample.views}
        return cls(
            samples,
            plans,
            tuple(dict.fromkeys(sample.name for sample in samples)),
            tuple(known[number] for number in sorted(known)),
            merge_domains(file.domain for file in _all_files(samples)),
            merge_labels(plan.labels.own for plan in plans),
            tuple(config.scores),
            FEATURE_NAMES if features is None else features,
            tuple(dict.fromkeys(name for plan in plans for name in plan.shower_weights)),
            skipped or {},
        )

    def inputs(self) -> dict[str, str]:
        """ROOT's content id of each file, by its path."""
        return {file.path: file.uuid for file in _all_files(self.samples)}


def _all_files(samples: Iterable[SampleViews]) -> Iterator[EventFile]:
    return (file for sample in samples for view in sample.views for file in view.files)


def pair_event_files(
    files: EventFiles, writer: ViewsWriter, folder: Path, run: ChunkRun, *, maximum: int
) -> tuple[dict[str, EventSampleReport], int, dict[str, str]]:
    """Match events and jets of all samples and write their views.

    Args:
        files: what to pair.
        writer: of the file of views.
        folder: for the particles that wait.
        run: who reads the files.
        maximum: hardest candidates kept for each jet.

    Returns:
        A report for each nominal data set, the number of views, and files that were left out with the reason.

    Raises:
        InputFileError: a file is damaged.
        InvalidDataError: values that are not usable, the same event twice, or other hard partons.
        WorkerError: workers die again and again.
    """
    reports, n_views = {}, 0
    skipped: dict[str, str] = {}
    n_files = sum(len(view.files) for sample in files.samples for view in sample.views)
    with progress("pair", 2 * n_files, "passes over files") as bar:
        for sample, plan in zip(files.samples, files.plans, strict=True):
            matched = _MatchedViews.read(sample, plan, read_indices(sample, plan, run, bar, skipped))
            reports[sample.nominal.dataset] = matched.report()
            settings = ParticleSettings(plan.config.puppi, maximum, files.features)
            # Closed before the workers are, whatever happens: nobody waits for their results any more.
            with closing(matched.views(files, folder, settings, run, bar)) as blocks:
                for views in blocks:
                    writer.append(views)
                    n_views += views.n_jets
    return reports, n_views, skipped


@dataclass(frozen=True)
class _MatchedViews:
    """A sample whose events and jets are matched.

    Attributes:
        sample: its data sets.
        plan: what was read.
        nominal: the nominal view.
        others: the other views, with their events and the partners of the nominal jets.
        kept: nominal jets that are written, rising [n].
        beyond_caps: jets with a partner that are not written.
    """

    sample: SampleViews
    plan: ReadPlan
    nominal: ViewIndex
    others: tuple[tuple[ViewIndex, FoundEvents, JetPartners], ...]
    kept: NDArray[np.int64]
    beyond_caps: int

    @classmethod
    def read(cls, sample: SampleViews, plan: ReadPlan, views: Generator[ViewIndex]) -> _MatchedViews:
        # The next view's files are read while one is matched.
        with closing(read_ahead(views)) as indices:
            nominal = next(indices)
            others = []
            for other in indices:
                events = find_events(nominal, other, plan)
                others.append((other, events, find_partners(nominal, other, events, plan)))
        partnered = np.any([partners.jet >= 0 for _, _, partners in others], axis=0)
        numbers = nominal.events.number[nominal.jets.row]
        within = within_caps(plan.caps, sample.name, numbers, nominal.jets.jettype, np.flatnonzero(partnered))
        return cls(sample, plan, nominal, tuple(others), within, int(partnered.sum()) - len(within))

    def report(self) -> EventSampleReport:
        rows = self.nominal.jets.row
        every = np.all([partners.jet >= 0 for _, _, partners in self.others], axis=0)
        in_all = np.all([events.present for _, events, _ in self.others], axis=0)
        indices = {"nominal": self.nominal, **{o.view.variation.name: o for o, _, _ in self.others}}
        named = {o.view.variation.name: (events, partners) for o, events, partners in self.others}
        return EventSampleReport(
            hard_events=self.nominal.n_events,
            nominal=count_runs(rows),
            matched=count_runs(rows[self.kept]),
            in_all=int(in_all.sum()),
            complete=count_runs(rows[every]),
            simulated={name: index.n_events for name, index in indices.items()},
            passed={name: count_runs(index.jets.row) for name, index in indices.items()},
            matched_with={name: count_runs(rows[partners.jet >= 0]) for name, (_, partners) in named.items()},
            jets=len(rows),
            pairs=len(self.kept),
            beyond_caps=self.beyond_caps,
            found={name: int(events.present.sum()) + events.disagreed for name, (events, _) in named.items()},
            partons={name: _compared(events) for name, (events, _) in named.items()},
            labels=_count_types(self.nominal.jets.jettype[self.kept], self.plan.labels.own),
            other_label={o.view.variation.name: self._other_label(o, partners) for o, _, partners in self.others},
            without_partner={name: partners.reasons for name, (_, partners) in named.items()},
        )

    def _other_label(self, index: ViewIndex, partners: JetPartners) -> int:
        found = self.kept[partners.jet[self.kept] >= 0]
        return int((self.nominal.jets.jettype[found] != index.jets.jettype[partners.jet[found]]).sum())

    def views(
        self, files: EventFiles, folder: Path, settings: ParticleSettings, run: ChunkRun, bar: Progress
    ) -> Generator[Views]:
        """Views of the kept jets, block after block in the order of the nominal files."""
        with ExitStack() as stack:
            stores = []
            for index, _, partners in self.others:
                store = stack.enter_context(ParticleStore.open(len(index.jets), len(files.features), folder))
                wanted = np.sort(partners.jet[self.kept])
                with closing(read_ahead(read_particles(index, wanted[wanted >= 0], settings, run))) as found:
                    for particles in found:
                        store.put(particles)
                bar.advance(len(index.view.files))
                stores.append(store)
            nominal = read_particles(self.nominal, self.kept, settings, run)
            width = len(files.features)
            for particles in stack.enter_context(closing(read_ahead(in_order(nominal, self.kept, width, folder)))):
                parts = [(particles.features, particles.offsets)]
                groups, columns = [np.arange(len(particles.jets))], [self._columns(self.nominal, particles.jets, files)]
                scores = [_scores_of(self.nominal, particles.jets)]
                for store, (index, _, partners) in zip(stores, self.others, strict=True):
                    jets = partners.jet[particles.jets]
                    parts.append(store.get(jets[jets >= 0]))
                    groups.append(np.flatnonzero(jets >= 0))
                    columns.append(self._columns(index, jets[jets >= 0], files))
                    scores.append(_scores_of(index, jets[jets >= 0]))
                yield group_views(
                    parts,
                    np.concatenate(groups),
                    {name: np.concatenate([part[name] for part in columns]) for name in columns[0]},
                    samples=files.names,
                    variations=files.variations,
                    labels=files.labels,
                    feature_names=files.features,
                    score_names=files.scores,
                    scores=np.concatenate(scores) if files.scores else None,
                    shower_weight_names=files.shower_weights,
                    shower_weights=self._shower_weights(particles.jets, sum(map(len, groups)), files),
                )
            bar.advance(len(self.nominal.view.files))

    def _shower_weights(self, jets: NDArray[np.int64], n_views: int, files: EventFiles) -> NDArray[np.float32] | None:
        """Of nominal jets and, behind them, their partners, which have none [n_views, n_weights]."""
        if not files.shower_weights:
            return None
        table = np.full((n_views, len(files.shower_weights)), np.nan, np.float32)
        if self.nominal.jets.shower_weights is not None:
            columns = [files.shower_weights.index(name) for name in self.plan.shower_weights]
            table[: len(jets), columns] = self.nominal.jets.shower_weights[jets]
        return table

    def _columns(self, index: ViewIndex, jets: NDArray[np.int64], files: EventFiles) -> dict[str, NDArray[Any]]:
        rows = index.jets.row[jets]
        return {
            "event": index.events.number[rows],
            "weight": index.events.weight[rows],
            "sample": np.full(len(jets), files.names.index(self.sample.name)),
            "vartype": np.full(len(jets), index.view.variation.vartype),
            "jettype": index.jets.jettype[jets],
            **{name: index.jets.numbers[name][jets] for name in JET_NUMBERS},
        }


def _scores_of(index: ViewIndex, jets: NDArray[np.int64]) -> NDArray[np.float32]:
    scores = index.jets.scores
    return np.zeros((len(jets), 0), np.float32) if scores is None else scores[jets]


def _count_types(jettype: NDArray[np.int16], own: tuple[JetLabel, ...]) -> dict[str, int]:
    names = jettype_names(own)
    numbers, counts = np.unique(jettype, return_counts=True)
    order = np.argsort(-counts, kind="stable")
    return {names.get(int(numbers[i]), str(numbers[i])): int(counts[i]) for i in order}


def _compared(events: FoundEvents) -> dict[str, int]:
    compared = events.agreed + events.disagreed
    found = int(events.present.sum()) + events.disagreed
    return {"agree": events.agreed, "disagree": events.disagreed, "not compared": found - compared}
