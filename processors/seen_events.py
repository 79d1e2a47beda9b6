"""Simulated events that a network was trained on: found by the hash that the training split them by, and refused."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import uproot
from numpy.typing import NDArray

from rs3l_gnn.conventions import InvalidDataError
from rs3l_gnn.data.event_format import collection_of
from rs3l_gnn.data.event_tables import LAYOUT_KEY, read_events
from rs3l_gnn.data.format_registry import format_of, get_format
from rs3l_gnn.inference import FoldTagger, JetInputs, JetTagger, LastEmbeddings
from rs3l_gnn.processors.config import ProcessorConfig
from rs3l_gnn.processors.files import FileInfo
from rs3l_gnn.processors.running.fileset import Dataset
from rs3l_gnn.processors.running.metadata import is_simulation
from rs3l_gnn.processors.selection import split_mask

__all__ = ["EventsOfJets", "needs_numbers", "refuse_seen", "refuse_seen_files", "seen_in_training"]

Taggers = Mapping[str, JetTagger | FoldTagger]


@dataclass(frozen=True)
class EventsOfJets:
    """The events of all jets of a chunk.

    Attributes:
        sample: that they belong to.
        numbers: of the event of each jet [n_jets].
    """

    sample: str
    numbers: NDArray[np.uint64]

    def class_scores(
        self, tagger: JetTagger | FoldTagger, inputs: JetInputs, wanted: NDArray[np.bool_], shared: LastEmbeddings
    ) -> NDArray[np.float32]:
        """What a network itself gives for the wanted jets, each by that of its own fold where there are folds."""
        if isinstance(tagger, FoldTagger):
            return tagger.class_scores(inputs, self.sample, self.numbers[wanted])
        return tagger.class_scores(inputs, shared=shared)


def needs_numbers(taggers: Taggers, sample: str, simulation: bool) -> bool:
    """True if what a network does depends on the numbers of the events of a sample."""
    return any(
        isinstance(tagger, FoldTagger) or (simulation and sample in _samples(tagger)) for tagger in taggers.values()
    )


def seen_in_training(taggers: Taggers, sample: str, numbers: NDArray[np.uint64], *, simulation: bool) -> dict[str, int]:
    """How many of some events each network was trained on, those of none left out.

    Args:
        taggers: by name.
        sample: of the events.
        numbers: of the events [n].
        simulation: False for recorded events, which no network was trained on.
    """
    if not simulation:
        return {}
    found = {
        name: int(tagger.seen(sample, numbers).sum()) for name, tagger in taggers.items() if sample in _samples(tagger)
    }
    return {name: n for name, n in found.items() if n}


def refuse_seen(seen: Mapping[str, int], config: ProcessorConfig, *, sample: str) -> None:
    """Refuse events that a network was trained on.

    Raises:
        InvalidDataError: names network and sample, unless the configuration allows them.
    """
    if not seen or config.allow_training_events:
        return
    name, n = next(iter(seen.items()))
    raise InvalidDataError(
        f"the network {name} was trained on events of sample {sample!r} that are analysed here",
        got=f"{n} such events",
        hint="set split: test (with the fractions of its training), or take networks of folds (kind: folds); if these "
        "are other events, give their sample another name (sample_names); allow_training_events: true keeps them, and "
        "says so",
    )


def refuse_seen_files(
    taggers: Taggers, config: ProcessorConfig, datasets: Mapping[str, Dataset], files: Iterable[FileInfo]
) -> None:
    """The same for whole files, before any jet is scored; only the numbers of events are read.

    Args:
        taggers: by name.
        config: of the analysis.
        datasets: of the files.
        files: all that are analysed.

    Raises:
        InvalidDataError: as :func:`refuse_seen`.
    """
    if config.allow_training_events:
        return
    for info in files:
        dataset = datasets[info.dataset]
        sample = dataset.plan.sample
        if not is_simulation(dataset.metadata) or not any(sample in _samples(tagger) for tagger in taggers.values()):
            continue
        numbers = _numbers_of(info, dataset.metadata.get(LAYOUT_KEY))
        if numbers is not None:  # else the first chunk says that there are none
            kept = numbers if config.split is None else numbers[split_mask(config, sample, numbers)]
            refuse_seen(seen_in_training(taggers, sample, kept, simulation=True), config, sample=sample)


def _numbers_of(info: FileInfo, layout: Any) -> NDArray[np.uint64] | None:
    with uproot.open({info.path: info.tree}) as tree:
        names = {name.rpartition("/")[2]: name for name in tree.keys()}  # noqa: SIM118 - uproot's tree is no mapping
        known = {*names, *map(collection_of, names)}
        form = format_of(known, candidates=False) if layout is None else get_format(layout)
        branch = form.number_branch(names)
        return None if branch is None else form.numbers(read_events(tree, form, [names[branch]]))


def _samples(tagger: JetTagger | FoldTagger) -> set[str]:
    """Samples of the trainings of a tagger, by name."""
    parts = tagger.parts if isinstance(tagger, FoldTagger) else (tagger,)
    return {name for part in parts for record in part.seen_events for name in record.get("samples", ())}
