"""Event files of any format in, one file of views out.

Everything but particles is read first and kept in memory, about 100 bytes an event and 100 bytes a jet, so that
events are found in whatever file and order they are. Then each file's particles are read once, in the order of the
file: those of the other views wait in a file without a name beside the output until their nominal jets come. Files are
read in this process or by workers; what is made of them, and in which order it is written, is the same.
"""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

from rs3l_gnn.conventions import progress
from rs3l_gnn.data.event_pairing.chunk_run import ChunkRun
from rs3l_gnn.data.event_pairing.indices import read_indices
from rs3l_gnn.data.event_pairing.input_files import EventFiles
from rs3l_gnn.data.event_pairing.matched_views import MatchedViews
from rs3l_gnn.data.event_pairing.particles import ParticleSettings
from rs3l_gnn.data.event_pairing.report import EventSampleReport
from rs3l_gnn.data.event_pairing.sample_particles import SampleParticles
from rs3l_gnn.data.event_pairing.view_blocks import view_block
from rs3l_gnn.data.read_ahead import read_ahead
from rs3l_gnn.data.views_writer import ViewsWriter

__all__ = ["pair_event_files"]


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
            settings = ParticleSettings(plan.config.puppi, maximum, files.features)
            # The next view's files are read while one is matched.
            with closing(read_ahead(read_indices(sample, plan, settings, run, bar=bar, skipped=skipped))) as indices:
                matched = MatchedViews.match(sample, plan, indices)
            # Closed before the workers are, whatever happens: nobody waits for their results any more.
            with SampleParticles.open(matched, settings, folder, run, bar=bar, skipped=skipped) as found:
                reports[sample.nominal.dataset] = found.matched.report()
                for particles in found.nominal:
                    views = view_block(particles, found.matched, found.others, files)
                    writer.append(views)
                    n_views += views.n_jets
    return reports, n_views, skipped
