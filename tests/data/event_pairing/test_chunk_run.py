"""Pairing in chunks gives what pairing in one process gives, whoever does them, in whatever order, after any death."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import awkward as ak
import numpy as np
import pytest
import uproot
import yaml
from typer.testing import CliRunner

from rs3l_gnn.cli import app, load_verbs
from rs3l_gnn.conventions import ConfigError, InputFileError, InvalidDataError, parse_config
from rs3l_gnn.data import PairConfig, PairReport, Views, pair, read_views
from rs3l_gnn.data.event_pairing import matched_views
from rs3l_gnn.data.event_pairing.particle_store import ParticleStore
from rs3l_gnn.data.event_pairing.particles import ParticleChunk
from rs3l_gnn.data.views_writer import ViewsWriter
from rs3l_gnn.running.executors import futures, iterative
from rs3l_gnn.running.executors.futures import pool_results

from .conftest import write_events

_COLUMNS = ("event", "sample", "vartype", "jettype", "pt", "eta", "phi", "mass", "msoftdrop", "n2b1", "weight")


@pytest.fixture(scope="module")
def document(toy_directory: Path) -> dict[str, Any]:
    """Two samples with four views of 60 events in a file each."""
    return {"events": {"filesets": [str(toy_directory / name / "fileset.json") for name in ("qcd", "hbb")]}}


@pytest.fixture(scope="module")
def whole(document: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> Views:
    """What one process makes of them."""
    path = tmp_path_factory.mktemp("whole") / "views.h5"
    pair(parse_config(PairConfig, document, where="test"), path)
    return read_views(path)


def paired(document: dict[str, Any], path: Path, **run: Any) -> PairReport:
    return pair(parse_config(PairConfig, {**document, "run": run}, where="test"), path)


def require_same(path: Path, expected: Views) -> None:
    """To the last bit."""
    views = read_views(path)
    for name in (*_COLUMNS, "features", "offsets", "first", "shower_weights"):
        one, other = getattr(views, name), getattr(expected, name)
        assert (one is None) == (other is None)
        assert one is None or one.tobytes() == other.tobytes(), name


@pytest.mark.parametrize("chunksize", [7, None])
def test_any_cut_and_order_gives_the_same_file(
    document: dict[str, Any],
    whole: Views,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    chunksize: int | None,
) -> None:
    def shuffled(items: Sequence[Any], function: Callable[[Any], Any]) -> Iterator[Any]:
        for number in np.random.default_rng(len(items)).permutation(len(items)):
            yield function(items[number])

    monkeypatch.setattr(iterative, "_results", shuffled)
    report = paired(document, tmp_path / "v.h5", chunksize=chunksize, checkpoints=str(tmp_path / "kept"))
    require_same(tmp_path / "v.h5", whole)
    pieces = 1 if chunksize is None else -(-60 // chunksize)
    # Each file once without particles; a piece without a jet to read needs no chunk.
    assert report.run["chunks"] <= 8 + 8 * pieces
    assert report.run["chunks"] > 8 * pieces
    assert sorted(path.name for path in tmp_path.iterdir()) == ["kept", "v.h5", "v.report.json"]


def test_a_stopped_run_is_resumed(
    document: dict[str, Any], whole: Views, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = {"chunksize": 25, "checkpoints": str(tmp_path / "kept"), "resume": True}
    real, calls, last = ParticleChunk.result, list[tuple[str, int]](), [5]

    def failing(self: ParticleChunk) -> Any:
        calls.append((self.filename, self.entrystart))
        if len(calls) == last[0]:
            raise KeyboardInterrupt
        return real(self)

    monkeypatch.setattr(ParticleChunk, "result", failing)
    with pytest.raises(KeyboardInterrupt):
        paired(document, tmp_path / "v.h5", **run)
    assert not (tmp_path / "v.h5").exists()
    # The four files of the first sample without particles, and four chunks with.
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "kept").rglob("*.chunk")}
    assert len(before) == 8
    done, calls[:], last[0] = set(calls[:4]), [], -1
    report = paired(document, tmp_path / "v.h5", **run)
    assert report.run["chunks_from_checkpoints"] == 8
    assert not done & set(calls)
    assert len(calls) == len(set(calls)) == report.run["chunks"] - 8 - 4
    after = {path: path.stat().st_mtime_ns for path in (tmp_path / "kept").rglob("*.chunk")}
    assert before.items() <= after.items()
    assert len(after) == report.run["chunks"]
    require_same(tmp_path / "v.h5", whole)
    # Other settings make other chunks of the same files; what they do not touch is used again.
    selected = {"events": document["events"] | {"selection": {"pt_min": 1.0}}}
    assert paired(selected, tmp_path / "w.h5", **run).run["chunks_from_checkpoints"] == report.run["chunks"] - 8
    assert paired(document, tmp_path / "x.h5", **run | {"resume": False}).run["chunks_from_checkpoints"] == 0


def test_a_killed_process_changes_nothing(document: dict[str, Any], whole: Views, tmp_path: Path) -> None:
    """One process of a pool is shot in the middle; a new pool does what is left."""
    kept, shot = tmp_path / "kept", list[int]()

    def watched(make_pool: Callable[[], Any], *arguments: Any, **options: Any) -> Iterator[Any]:
        pools = list[Any]()

        def remembered() -> Any:
            pools.append(make_pool())
            return pools[-1]

        for result in pool_results(remembered, *arguments, **options):
            if not shot and len(list(kept.rglob("*.chunk"))) >= 6:
                shot.append(next(iter(pools[-1]._processes)))
                os.kill(shot[0], signal.SIGKILL)
            yield result

    run = {"executor": "futures", "workers": 2, "chunksize": 20, "checkpoints": str(kept)}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(futures, "pool_results", watched)
        report = paired(document, tmp_path / "v.h5", **run)
    assert shot
    assert (report.run["executor"], report.run["workers"]) == ("futures", 2)
    require_same(tmp_path / "v.h5", whole)


def test_dask_workers_read_the_files(document: dict[str, Any], whole: Views, tmp_path: Path) -> None:
    report = paired(document, tmp_path / "v.h5", executor="dask", workers=1, chunksize=40)
    assert report.run["executor"] == "dask"
    require_same(tmp_path / "v.h5", whole)


def test_the_command_has_the_options_of_an_analysis(document: dict[str, Any], whole: Views, tmp_path: Path) -> None:
    load_verbs()
    (tmp_path / "pair.yaml").write_text(yaml.safe_dump(document))
    more = ["--executor", "iterative", "--checkpoints", str(tmp_path / "kept"), "--resume", "--retries", "0"]
    for name, resumed in (("v.h5", 0), ("w.h5", 16)):
        done = CliRunner().invoke(app, ["pair", str(tmp_path / "pair.yaml"), *more, "--output", str(tmp_path / name)])
        assert done.exit_code == 0, done.output
        require_same(tmp_path / name, whole)
        report = json.loads((tmp_path / name).with_suffix(".report.json").read_text())
        assert report["run"]["chunks_from_checkpoints"] == resumed


@pytest.mark.slow
def test_a_killed_command_is_resumed(document: dict[str, Any], whole: Views, tmp_path: Path, command: str) -> None:
    """The whole program dies, scheduler and all; the same command with resume finishes its work."""
    kept = tmp_path / "kept"
    run = {"executor": "dask", "workers": 2, "chunksize": 5, "checkpoints": str(kept), "resume": True}
    (tmp_path / "pair.yaml").write_text(yaml.safe_dump({**document, "run": run}))
    arguments = [command, "pair", str(tmp_path / "pair.yaml"), "--output", str(tmp_path / "v.h5")]
    with subprocess.Popen(arguments, start_new_session=True, stderr=subprocess.DEVNULL) as process:  # noqa: S603 - our own command
        while len(list(kept.rglob("*.chunk"))) < 12 and process.poll() is None:
            time.sleep(0.01)
        os.killpg(process.pid, signal.SIGKILL)
    before = {path: path.stat().st_mtime_ns for path in kept.rglob("*.chunk")}
    assert len(before) >= 12
    assert not (tmp_path / "v.h5").exists()
    subprocess.run(arguments, check=True)  # noqa: S603 - our own command
    after = {path: path.stat().st_mtime_ns for path in kept.rglob("*.chunk")}
    assert before.items() <= after.items()
    assert len(after) > len(before)
    require_same(tmp_path / "v.h5", whole)


def test_bad_files_are_left_out_if_that_is_wanted(
    toy_sample: Callable[..., Any], tmp_path: Path, write_views: Callable[..., dict[str, Any]]
) -> None:
    """One file cannot be opened, and of another the jets cannot be read."""
    document = write_views(toy_sample, tmp_path / "in", n_files=3)
    cut, damaged = tmp_path / "in" / "nominal_0.root", tmp_path / "in" / "seed_1.root"
    cut.write_bytes(cut.read_bytes()[:500])
    damage_basket(damaged, "FatJet_eta")
    with pytest.raises(InputFileError, match=r"nominal_0\.root"):
        paired(document, tmp_path / "v.h5")
    report = paired(document, tmp_path / "v.h5", skip_bad_files=True)
    assert sorted(Path(path).name for path in report.skipped_files) == ["nominal_0.root", "seed_1.root"]
    assert report.document()["skipped_files"] == report.skipped_files
    assert report.samples["hbb"].simulated == {"nominal": 40, "seed": 40}
    # Of the events 20 to 59 that are left of nominal, the second file has lost 20 to 39.
    assert set(read_views(tmp_path / "v.h5").event.tolist()) <= set(range(40, 60))
    assert report.views > 0


def damage_basket(path: Path, branch: str) -> None:
    """Overwrite some bytes of the first basket of a branch."""
    with uproot.open(path) as file:
        place = int(file["Events"][branch].member("fBasketSeek")[0])
    content = bytearray(path.read_bytes())
    content[place + 90 : place + 130] = bytes(40)
    path.write_bytes(bytes(content))


@pytest.mark.parametrize("run", [{}, {"executor": "futures", "workers": 2, "chunksize": 7}])
def test_files_whose_candidates_cannot_be_read_are_left_out(
    run: dict[str, Any], toy_sample: Callable[..., Any], tmp_path: Path, write_views: Callable[..., dict[str, Any]]
) -> None:
    """The result is that of a run without these files, also where caps let other jets in then."""
    document = write_views(toy_sample, tmp_path / "in", n_files=5)
    document["events"]["caps"] = {"H_BB": 24}
    fileset = tmp_path / "in" / "fileset.yaml"
    bad = [str(tmp_path / "in" / name) for name in ("nominal_1.root", "seed_3.root")]
    for path in bad:
        damage_basket(Path(path), "PFCands_eta")
    with pytest.raises(InputFileError, match=r"(nominal_1|seed_3)\.root cannot be read"):
        paired(document, tmp_path / "v.h5", **run)
    report = paired(document, tmp_path / "v.h5", skip_bad_files=True, **run)
    assert sorted(report.skipped_files) == bad
    for path, reason in report.skipped_files.items():
        assert reason.startswith(f"{path} cannot be read")
    inputs = json.loads((tmp_path / "v.report.json").read_text())["provenance"]["inputs"]
    assert not set(inputs) & set(bad)
    datasets = yaml.safe_load(fileset.read_text())
    for entry in datasets.values():
        entry["files"] = {path: tree for path, tree in entry["files"].items() if path not in bad}
    fileset.write_text(yaml.safe_dump(datasets))
    expected = paired(document, tmp_path / "without.h5")
    assert expected.samples == report.samples
    assert report.document()["samples"]["hbb"]["beyond_caps"] > 0
    require_same(tmp_path / "v.h5", read_views(tmp_path / "without.h5"))


@pytest.fixture
def write_views() -> Callable[..., dict[str, Any]]:
    """Write two views of a toy sample in files of 20 events."""

    def write(toy_sample: Callable[..., Any], folder: Path, n_files: int) -> dict[str, Any]:
        sample = toy_sample("hbb", n_events=20 * n_files)
        datasets = {}
        for name in ("nominal", "seed"):
            paths = [folder / f"{name}_{number}.root" for number in range(n_files)]
            _split(sample.write(folder / f"all_{name}.root", name), paths)
            metadata = {} if name == "nominal" else {"resimulated_of": "hbb", "variation": name}
            files = {str(path): "Events" for path in paths}
            datasets["hbb" if name == "nominal" else name] = {"files": files, "metadata": metadata}
        (folder / "fileset.yaml").write_text(yaml.safe_dump(datasets))
        return {"events": {"filesets": [str(folder / "fileset.yaml")]}}

    return write


def _split(path: Path, parts: Sequence[Path]) -> None:
    with uproot.open(path) as file:
        arrays, metadata = file["Events"].arrays(), str(file["rs3l_metadata"])
    plain = ("run", "luminosityBlock", "event", "genWeight", "hardHash")
    collections = ("FatJet", "PFCands", "FatJetPFCands")
    for number, part in enumerate(parts):
        rows = arrays[20 * number : 20 * number + 20]
        content: dict[str, Any] = {name: rows[name].to_numpy() for name in plain}
        for collection in collections:
            fields = [name for name in rows.fields if name.startswith(f"{collection}_")]
            content[collection] = ak.zip({name.removeprefix(f"{collection}_"): rows[name] for name in fields})
        write_events(part, content, metadata)


def test_an_error_lets_go_of_the_workers(
    document: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before they are stopped, and not when somebody is done with the error."""
    closed = list[int]()

    def results(items: Sequence[Any], function: Callable[[Any], Any]) -> Iterator[Any]:
        try:
            yield from map(function, items)
        finally:
            closed.append(len(items))

    def refuse(*_: Any) -> None:
        raise InvalidDataError("no")

    monkeypatch.setattr(iterative, "_results", results)
    places = [
        (matched_views, "find_events"),
        (ParticleStore, "put"),
        (ViewsWriter, "append"),
    ]
    for owner, name in places:
        closed.clear()
        with monkeypatch.context() as patch:
            patch.setattr(owner, name, refuse)
            with pytest.raises(InvalidDataError, match="no") as caught:
                paired(document, tmp_path / "v.h5", chunksize=10, checkpoints=str(tmp_path / name))
        # The looks at all files, their events without particles, and then particles.
        assert closed[:2] == [8, 4]
        assert (len(closed) > 2) == (name != "find_events")
        assert caught.value is not None


def test_outputs_of_a_simulation_are_told_where_chunks_are(tmp_path: Path) -> None:
    config = parse_config(PairConfig, {"directories": [str(tmp_path)], "run": {"executor": "futures"}}, where="test")
    with pytest.raises(ConfigError, match=r"name the fileset\.json of each sample in events\.filesets"):
        pair(config, tmp_path / "v.h5")
