"""Bring the views of each hard event together: many simulated files in, one file of views out.

Views are matched by sample and event number, and the fingerprint of the hard partons has to agree; the work is linear
in the number of views, and only the particles of one nominal file's events are in memory at a time.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from pydantic import Field

from rs3l_gnn.conventions import (
    FEATURE_NAMES,
    MAX_CANDIDATES,
    NOMINAL,
    BaseConfig,
    ConfigError,
    InputFileError,
    InvalidDataError,
    Variation,
    file_digest,
    merge_domains,
    merge_labels,
    progress,
    provenance,
    refuse_existing,
    select_variations,
    write_json,
)
from rs3l_gnn.conventions.feature_config import FeatureNames
from rs3l_gnn.conventions.locks import holds_output
from rs3l_gnn.data.event_pairing import DataSets, EventFiles, EventPairConfig, pair_event_files
from rs3l_gnn.data.event_pairing.chunk_run import ChunkRun
from rs3l_gnn.data.event_pairing.open_trees import OpenTrees
from rs3l_gnn.data.fileset import SAMPLE_NAMES, require_samples
from rs3l_gnn.data.matching import MatchedSample
from rs3l_gnn.data.pair_report import PairReport, SampleReport
from rs3l_gnn.data.simulated import SimulatedFile, find_simulated
from rs3l_gnn.data.views_writer import Compression, ViewsWriter
from rs3l_gnn.running.config import ChunkRunConfig

__all__ = ["PairConfig", "PairReport", "SampleReport", "pair"]


class PairConfig(BaseConfig):
    """Settings of :func:`pair`."""

    directories: tuple[Path, ...] = Field(
        default=(), description="outputs of rs3l simulate; every ROOT file below them is read"
    )
    sample_names: dict[str, str] = Field(default={}, description=SAMPLE_NAMES)
    variations: tuple[str, ...] | None = Field(
        default=None, description="variations to keep beside nominal; all that are found if null"
    )
    max_candidates: int = Field(default=MAX_CANDIDATES, ge=1, description="hardest candidates kept for each jet")
    layout: str = Field(default="pfnano", description="candidate format of the files in directories")
    features: FeatureNames | None = Field(
        default=None,
        description="features of each candidate by name, or sets of them (paper, nano); the 15 of the paper if null, "
        "with zeros for impact parameters that the files lack",
    )
    events: EventPairConfig = EventPairConfig()
    compression: Compression = Field(
        default="gzip", description="gzip, which every HDF5 reads; lzf, which h5py reads, faster and larger; or none"
    )
    run: ChunkRunConfig = Field(default=ChunkRunConfig(), description="who reads event files, and in which chunks")


@holds_output
def pair(config: PairConfig, output: Path | str, *, force: bool = False) -> PairReport:
    """Match the views of every hard event and write them to one HDF5 file.

    Views are outputs of ``rs3l simulate`` (``directories``) or event files of any format (``events.filesets``).

    An event is kept when its nominal view and at least one other pass; further views may be missing and are counted.
    ``<output stem>.report.json`` beside the file holds the report, the settings and the provenance.

    Args:
        config: what to read and keep.
        output: the HDF5 file.
        force: replace an existing file.

    Raises:
        InputFileError: no input, a damaged file, no nominal file, or no event with a matched view.
        InvalidDataError: two files disagree on the hard partons of an event, on the radius of the jets or on what a
            label is, or hold the same event twice.
        ConfigError: both of ``directories`` and ``events.filesets``, or metadata that do not fit together.
        MissingBranchError: features that a file cannot give, or branches that are absent.
        UnknownVariationError: a variation that is not in the registry.
        ClusterError: there are no workers to be had.
        WorkerError: workers die again and again.
        OutputError: the output exists, or cannot be written.
    """
    output = Path(output)
    report_path = output.with_suffix(".report.json")
    for path in (output, report_path):
        refuse_existing(path, force=force)
    if config.directories and config.events.filesets:
        raise ConfigError("directories and events.filesets are both set", hint="pair them into two files")
    if not config.directories and not config.events.filesets:
        raise InputFileError(
            "nothing to pair",
            hint="set directories to outputs of rs3l simulate, or events.filesets to filesets of event files",
        )
    if config.directories and config.run != ChunkRunConfig():
        raise ConfigError(
            "run is for event files, and directories are set",
            hint="name the fileset.json of each sample in events.filesets instead; the views are the same",
        )
    work = _pair_events if config.events.filesets else _pair_simulated
    report, inputs = work(config, output, force=force)
    record = provenance(config=config)
    record["inputs"] = inputs
    write_json(
        report_path, {**report.document(), "config": config.model_dump(mode="json"), "provenance": record}, force=True
    )
    return report


def _pair_events(config: PairConfig, output: Path, *, force: bool) -> tuple[PairReport, dict[str, str]]:
    sets = DataSets.read(config.events, config.variations)
    with OpenTrees.lasting() as trees, ChunkRun.open(config.run) as run:
        files = EventFiles.look(sets, run, config.features, sample_names=config.sample_names, trees=trees)
        return _pair_open_files(config, files, run, output, force=force)


def _pair_open_files(
    config: PairConfig, files: EventFiles, run: ChunkRun, output: Path, *, force: bool
) -> tuple[PairReport, dict[str, str]]:
    with ViewsWriter.open(
        output,
        files.names,
        files.variations,
        labels=files.labels,
        score_names=files.scores,
        shower_weight_names=files.shower_weights,
        domain=files.domain,
        features=files.features,
        compression=config.compression,
        force=force,
    ) as writer:
        reports, n_views, skipped = pair_event_files(files, writer, output.parent, run, maximum=config.max_candidates)
        if n_views == 0:
            reasons = {name: report.without_partner for name, report in reports.items()}
            raise InputFileError("no jet has a partner in another view", got=reasons)
    skipped = {**files.skipped, **skipped}
    inputs = {path: uuid for path, uuid in files.inputs().items() if path not in skipped}
    return PairReport(dict(reports), n_views, run.record, skipped), inputs


def _pair_simulated(config: PairConfig, output: Path, *, force: bool) -> tuple[PairReport, dict[str, str]]:
    files = find_simulated(config.directories)
    names = config.sample_names
    require_samples(names, [file.sample for file in files])
    files = [replace(file, sample=names.get(file.sample, file.sample)) for file in files]
    if config.variations is not None:
        present = {file.variation.name for file in files}
        select_variations([name for name in config.variations if name not in present], where="variations")
        kept = {NOMINAL.name, *config.variations}
        files = [file for file in files if file.variation.name in kept]
    for file in files if config.features is not None else ():
        file.require_features(config.features or (), config.layout)
    features = config.features or FEATURE_NAMES
    samples = {name: MatchedSample.collect(name, files) for name in dict.fromkeys(file.sample for file in files)}
    variations = _variations(files)
    weight_names = tuple(dict.fromkeys(name for file in files for name in file.shower_weight_names))
    domain = merge_domains(file.domain(config.layout) for file in files)
    labels = merge_labels(file.labels for file in files)
    reports, n_views = {}, 0
    with (
        ViewsWriter.open(
            output,
            tuple(samples),
            variations,
            shower_weight_names=weight_names,
            domain=domain,
            labels=labels,
            features=features,
            compression=config.compression,
            force=force,
        ) as writer,
        progress("pair", sum(len(sample.nominal) for sample in samples.values()), "files") as bar,
    ):
        for index, sample in enumerate(samples.values()):
            counts: Counter[str] = Counter()
            for nominal in sample.nominal:
                views = sample.views(
                    nominal,
                    index,
                    tuple(samples),
                    variations,
                    shower_weight_names=weight_names,
                    layout=config.layout,
                    maximum=config.max_candidates,
                    labels=labels,
                    features=features,
                )
                if views is not None:
                    writer.append(views)
                    n_views += views.n_jets
                    counts.update(views.label_counts())
                bar.advance()
            reports[sample.name] = replace(sample.report(), labels=dict(counts.most_common()))
        if n_views == 0:
            raise InputFileError(
                "no event has a nominal and another view", hint="simulate variations of the same hard events"
            )
    # Files of different samples share their names.
    inputs = {f"{file.sample}/{file.path.name}": file_digest(file.path) for file in files}
    return PairReport(reports, n_views), inputs


def _variations(files: Iterable[SimulatedFile]) -> tuple[Variation, ...]:
    known: dict[int, SimulatedFile] = {}
    for file in files:
        first = known.setdefault(file.variation.vartype, file)
        if first.variation != file.variation:
            raise InvalidDataError(
                f"{first.path} and {file.path} give vartype {file.variation.vartype} different meanings",
                got=f"{first.variation.settings} and {file.variation.settings}",
            )
    return tuple(known[number].variation for number in sorted(known))
