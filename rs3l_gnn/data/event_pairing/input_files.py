"""All event files that are to be paired, looked at but not read."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace

from rs3l_gnn.conventions import FEATURE_NAMES, JetDomain, JetLabel, Variation, merge_domains, merge_labels
from rs3l_gnn.data.event_pairing.chunk_run import ChunkRun
from rs3l_gnn.data.event_pairing.event_files import EventFile
from rs3l_gnn.data.event_pairing.open_trees import OpenTrees
from rs3l_gnn.data.event_pairing.plan import plan_sample
from rs3l_gnn.data.event_pairing.read_plan import ReadPlan
from rs3l_gnn.data.event_pairing.sample_views import DataSets, SampleViews, find_samples
from rs3l_gnn.data.feature_fields import require_features
from rs3l_gnn.data.fileset import require_samples

__all__ = ["EventFiles"]


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
        sets: DataSets,
        run: ChunkRun,
        features: tuple[str, ...] | None = None,
        *,
        sample_names: Mapping[str, str] | None = None,
        trees: OpenTrees | None = None,
    ) -> EventFiles:
        """Open every file and refuse what cannot be paired; errors as :func:`find_samples` and :func:`plan_sample`.

        Args:
            sets: what the filesets say.
            run: who opens the files, and whether those that cannot be opened are left out.
            features: of the particles, which all files must be able to give; the paper's if None, with zeros for
                impact parameters that a format lacks.
            sample_names: other names of samples, old -> new.
            trees: files that stay open; none does if not given.

        Raises:
            ConfigError: a name for a sample that is not there.
            MissingBranchError: a file cannot give the features.
            InvalidDataError: files with jets of different radii.
        """
        names: Mapping[str, str] = sample_names or {}
        config, skipped = sets.config, dict[str, str]()
        found = find_samples(sets, run, skipped, trees)
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
            skipped,
        )

    def inputs(self) -> dict[str, str]:
        """ROOT's content id of each file, by its path."""
        return {file.path: file.uuid for file in _all_files(self.samples)}


def _all_files(samples: Iterable[SampleViews]) -> Iterator[EventFile]:
    return (file for sample in samples for view in sample.views for file in view.files)
