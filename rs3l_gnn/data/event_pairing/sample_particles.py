"""Particles of all views of a sample: those of the other views wait on disk until their nominal jets come.

Where files that cannot be read are left out, the nominal ones wait as well: nothing is written before it is known which
files there are, and what their events and jets match without the others.
"""

from __future__ import annotations

import logging
from collections.abc import Generator, Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path

from rs3l_gnn.conventions import InputFileError, Progress
from rs3l_gnn.data.event_pairing.chunk_run import ChunkRun
from rs3l_gnn.data.event_pairing.matched_views import MatchedViews
from rs3l_gnn.data.event_pairing.particle_store import ParticleStore, in_order
from rs3l_gnn.data.event_pairing.particles import JetParticles, ParticleSettings, read_particles
from rs3l_gnn.data.read_ahead import read_ahead

__all__ = ["SampleParticles"]

_log = logging.getLogger("rs3l_gnn")


class SampleParticles:
    """Particles of the matched jets of a sample; see :meth:`open`.

    Attributes:
        matched: what is matched, without files that are left out.
        others: where the particles of the other views are, in their order.
        nominal: particles of the nominal jets that are written, in their order; to be closed.
    """

    def __init__(self, matched: MatchedViews, others: list[ParticleStore], nominal: Generator[JetParticles]) -> None:
        self.matched, self.others, self.nominal = matched, others, nominal

    @classmethod
    @contextmanager
    def open(
        cls,
        matched: MatchedViews,
        settings: ParticleSettings,
        folder: Path,
        run: ChunkRun,
        *,
        bar: Progress,
        skipped: dict[str, str],
    ) -> Iterator[SampleParticles]:
        """Read the particles of the other views; those of the nominal one are read as they are asked for.

        Args:
            matched: the sample.
            settings: what is made of the candidates.
            folder: for the particles that wait.
            run: who reads.
            bar: advanced by one for each file.
            skipped: gets files that are left out, and why.

        Raises:
            InputFileError: a file is damaged, or all files of a view are.
            InvalidDataError: a value of a jet or candidate is not usable; the file is named.
        """
        width = len(settings.features)
        n_files = [len(index.view.files) for index in matched.indices]
        with ExitStack() as stack:
            first = 0 if run.skips else 1
            waiting = range(first, len(n_files))
            stores = {
                view: stack.enter_context(ParticleStore.open(len(matched.indices[view].jets), width, folder))
                for view in waiting
            }
            while failed := _read(matched, stores, settings, run):
                matched = _without(matched, stores, failed, skipped)
            bar.advance(sum(n_files[1:]))
            others = [stores[view] for view in waiting if view > 0]
            if run.skips:
                nominal = stores[0].blocks(matched.kept)
            else:
                nominal = in_order(
                    read_particles(matched.nominal, matched.kept, settings, run), matched.kept, width, folder
                )
            yield cls(matched, others, stack.enter_context(closing(read_ahead(nominal))))
            bar.advance(n_files[0])


def _read(
    matched: MatchedViews, stores: Mapping[int, ParticleStore], settings: ParticleSettings, run: ChunkRun
) -> dict[int, dict[int, str]]:
    """Put what the stores lack there.

    Returns:
        For each view the numbers of files that cannot be read, and why; nothing where all can.
    """
    failed: dict[int, dict[int, str]] = {}
    for view, store in stores.items():
        wanted, bad = store.lacking(matched.wanted(view)), dict[int, str]()
        with closing(read_ahead(read_particles(matched.indices[view], wanted, settings, run, bad))) as found:
            for particles in found:
                store.put(particles)
        if bad:
            failed[view] = bad
    return failed


def _without(
    matched: MatchedViews,
    stores: Mapping[int, ParticleStore],
    failed: Mapping[int, Mapping[int, str]],
    skipped: dict[str, str],
) -> MatchedViews:
    """Match a sample again without some of its files; caps may let other jets in then."""
    left = []
    for view, index in enumerate(matched.indices):
        bad = failed.get(view, {})
        for number, error in sorted(bad.items()):
            _log.warning("skipped: %s", error)
            skipped[index.view.files[number].path] = error
        if len(bad) == len(index.view.files):
            raise InputFileError(
                f"none of the files of {index.view.dataset!r} can be used", got=next(iter(bad.values()))
            )
        if not bad:
            left.append(index)
            continue
        rest, jets = index.without(bad)
        stores[view].select(jets)
        left.append(rest)
    return MatchedViews.match(matched.sample, matched.plan, iter(left))
