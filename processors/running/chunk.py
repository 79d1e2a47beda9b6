"""What one chunk gives: histograms, cutflow and pairs, as sums that coffea can add up."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rs3l_gnn.conventions.jagged import parents_of
from rs3l_gnn.processors.columns import Columns
from rs3l_gnn.processors.config import SCORE, ProcessorConfig
from rs3l_gnn.processors.running.bootstrap import ReplicaHistogram
from rs3l_gnn.processors.running.exact import ExactHistogram, ExactSums
from rs3l_gnn.processors.running.paired import PairTable
from rs3l_gnn.processors.selection import channel_mask

__all__ = ["ChunkOutput", "Selected", "cutflow_steps"]


class Selected:
    """The analysed jets of one view: none or one for each event, or any number.

    Args:
        config: axes and channels.
        columns: the events with the jets of the view, and their scores.
        jets: places of the analysed jets among all jets, rising [n].
        scores: tagger -> score of all jets, NaN where not computed [n_jets].
        own: histogram of one's own -> its values for all jets [n_jets].
    """

    def __init__(
        self,
        config: ProcessorConfig,
        columns: Columns,
        jets: NDArray[np.int64],
        scores: Mapping[str, NDArray[np.floating]],
        own: Mapping[str, NDArray[Any]],
    ) -> None:
        view = columns.view
        self.events = parents_of(view.counts)[jets]
        # Jets of one event are entries of their own; the one jet of an event stands for it, whichever it is.
        self.keys = jets if config.jet.place is None else self.events
        self.values: dict[str, NDArray[np.float64]] = {
            f"{SCORE}{name}": np.asarray(score[jets], dtype=np.float64) for name, score in scores.items()
        }
        self.values |= {"mass": view.mass[jets], "pt": view.pt[jets]}
        self.values |= {name: np.asarray(values[jets], dtype=np.float64) for name, values in own.items()}
        self.bins = {name: variable.index(self.values[name]) for name, variable in config.variables.items()}
        self.channels = {channel.name: channel_mask(channel, self.values, len(jets)) for channel in config.channels}
        for where, expression in config.expressions.items():
            section, _, name = where.partition(".")
            if section == "channels":
                self.channels[name] &= columns.jets_where(expression, where)[jets]


def cutflow_steps(config: ProcessorConfig, events: Iterable[str]) -> tuple[str, ...]:
    """Names of the steps: all events, the split, conditions on events, those with a jet, each channel.

    Args:
        config: the channels.
        events: names of the conditions on events.
    """
    return ("events", "split", *events, "jet", *(f"channel {channel.name}" for channel in config.channels))


class ChunkOutput:
    """Collects the results of a chunk.

    Args:
        config: axes and channels.
        variations: names on the variation axis.
        counts: how often each event counts in each replica [n_events, replicas]; None for no replicas.
    """

    def __init__(
        self, config: ProcessorConfig, variations: Sequence[str], counts: NDArray[np.uint8] | None = None
    ) -> None:
        self._config = config
        channels = [channel.name for channel in config.channels]
        self.histograms = {
            name: ExactHistogram(channels, variations, variable) for name, variable in config.variables.items()
        }
        self._result: dict[str, Any] = {"histograms": self.histograms}
        self._counts = counts
        self._replicas: dict[str, ReplicaHistogram] = {}
        if counts is not None:
            self._replicas = {
                name: ReplicaHistogram(variable.bins + 2, counts.shape[1])
                for name, variable in config.variables.items()
            }
            self._result["replicas"] = self._replicas
        self._nominal: tuple[Selected, NDArray[np.float64]] | None = None

    def fill(self, selected: Selected, weights: Mapping[str, NDArray[np.float64]]) -> None:
        """Fill every histogram with the selected jets.

        Variations that come with or after the nominal jets share their events; what is filled before the nominal jets,
        or without them, has no covariance with them here.

        Args:
            selected: the jets.
            weights: name on the variation axis -> weights of all events of the chunk [n_events].
        """
        if "nominal" in weights:
            self._nominal = selected, weights["nominal"]
        for channel, inside in selected.channels.items():
            events = selected.events[inside]
            for name, histogram in self.histograms.items():
                bins = selected.bins[name][inside]
                for variation, weight in weights.items():
                    histogram.fill(channel=channel, variation=variation, bins=bins, weight=weight[events])
                    if self._counts is not None:
                        self._replicas[name].fill(
                            channel=channel,
                            variation=variation,
                            bins=bins,
                            weight=weight[events],
                            counts=self._counts[events],
                        )
            self._share(channel, selected, weights)

    def _share(self, channel: str, selected: Selected, weights: Mapping[str, NDArray[np.float64]]) -> None:
        if self._nominal is None:
            return
        nominal, nominal_weight = self._nominal
        before, after = nominal.channels[channel], selected.channels[channel]
        # Keys are unique and rise.
        _, here, there = np.intersect1d(
            nominal.keys[before], selected.keys[after], assume_unique=True, return_indices=True
        )
        events = nominal.events[before][here]
        for name, histogram in self.histograms.items():
            nominal_bins, bins = nominal.bins[name][before][here], selected.bins[name][after][there]
            for variation, weight in weights.items():
                if variation != "nominal":
                    histogram.share(
                        channel=channel,
                        variation=variation,
                        nominal_bins=nominal_bins,
                        bins=bins,
                        product=nominal_weight[events] * weight[events],
                    )

    def cutflow(
        self,
        generated: NDArray[np.float64],
        kept: NDArray[np.bool_],
        steps: Mapping[str, NDArray[np.bool_]],
        weight: NDArray[np.float64],
        selected: Selected,
    ) -> None:
        """Count the events of each step, and sum up their weights; an event with several jets counts once.

        Args:
            generated: generator weights, which normalise the data set [n_events].
            kept: events on the wanted side of the split [n_events].
            steps: events left after each further condition on events [n_events].
            weight: nominal weights [n_events].
            selected: the analysed jets.
        """
        passed = [
            np.arange(len(kept)),
            np.flatnonzero(kept),
            *map(np.flatnonzero, steps.values()),
            np.unique(selected.events),
        ]
        passed += [np.unique(selected.events[inside]) for inside in selected.channels.values()]
        sums = ExactSums((len(passed),))
        for step, events in enumerate(passed):
            sums.add(np.full(len(events), step), weight[events])
        total = ExactSums((2,))  # of all events, and of those on the wanted side of the split
        for place, weights in enumerate((generated, generated[kept])):
            total.add(np.full(len(weights), place), weights)
        self._result["cutflow"] = {
            "events": dict(zip(cutflow_steps(self._config, steps), map(len, passed), strict=True)),
            "weights": sums,
        }
        self._result["sumw"] = total
        inside = np.sum([*selected.channels.values()], axis=0)
        self._result["jets_in_several_channels"] = int((inside > 1).sum())
        below = selected.values["pt"] < self._config.jet.training_pt_min
        self._result["jets_below_training_range"] = int(below.sum())

    def pair(self, event: NDArray[np.uint64], weight: NDArray[np.float64], selected: Selected) -> None:
        """Keep the bins of each selected event.

        Args:
            event: event numbers [n_events].
            weight: nominal weights [n_events].
            selected: the analysed jets.
        """
        names = [name for name in self.histograms if name.startswith(SCORE)]
        rows, channels, bins = [], [], []
        for position, inside in enumerate(selected.channels.values()):
            rows.append(selected.events[inside])
            channels.append(np.full(int(inside.sum()), position, dtype=np.int8))
            bins.append(np.stack([selected.bins[name][inside] for name in names], axis=1).astype(np.int32))
        places = np.concatenate(rows)
        self._result["pairs"] = PairTable(
            names, event[places], np.concatenate(channels), weight[places], np.concatenate(bins)
        )

    def result(self, **more: Any) -> dict[str, Any]:
        """Everything collected, with ``more`` entries; each of them adds up."""
        return {**self._result, **more}
