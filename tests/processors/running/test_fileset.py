"""Filesets: paths, wildcards, and which data set is the variation of which."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from rs3l_gnn.conventions import ConfigError, InputFileError, UnknownVariationError, own_variation
from rs3l_gnn.processors.running.fileset import Plan, plan_of, read_filesets

_OFF = own_variation("mpiOff", settings=["PartonLevel:MPI=off"], one_sided=True).record()
_DOWN = own_variation("fsrDown", settings=["TimeShower:renormMultFac=0.5"]).record()


def _write(folder: Path, document: Any, name: str = "fileset.json") -> Path:
    (folder / "data").mkdir(exist_ok=True)
    for file in ("a.root", "b.root"):
        (folder / "data" / file).touch()
    path = folder / name
    path.write_text(json.dumps(document))
    return path


def _metadata(**more: Any) -> dict[str, Any]:
    return {"files": {"data/a.root": "Events"}, "metadata": {"process": "qcd", "sample": "qcd", **more}}


def test_paths_are_relative_to_the_fileset(tmp_path: Path) -> None:
    path = _write(tmp_path, {"qcd": {"files": ["data/*.root", "root://host//c.root"], "treename": "Tree"}})
    files = read_filesets([path])["qcd"].files
    assert files == {
        str(tmp_path / "data" / "a.root"): "Tree",
        str(tmp_path / "data" / "b.root"): "Tree",
        "root://host//c.root": "Tree",
    }


def test_yaml_and_preprocessed_filesets_are_read(tmp_path: Path) -> None:
    _write(tmp_path, {})
    path = tmp_path / "fileset.yaml"
    path.write_text("qcd:\n  files:\n    data/a.root: {object_path: Events, steps: [[0, 10]]}\n")
    assert read_filesets([path])["qcd"].files == {str(tmp_path / "data" / "a.root"): "Events"}


def test_a_resimulation_fills_the_entry_of_its_parent(tmp_path: Path) -> None:
    path = _write(
        tmp_path,
        {
            "qcd_nominal": _metadata(variation="nominal"),
            "qcd_fsrRenHi": _metadata(variation="fsrRenHi", resimulated_of="qcd_nominal"),
            "data": {"files": {"data/b.root": "Events"}, "metadata": {"isMC": "False"}},
        },
    )
    plans = {name: dataset.plan for name, dataset in read_filesets([path]).items()}
    assert plans == {
        "qcd_nominal": Plan("qcd", "nominal", "qcd", paired=True),
        "qcd_fsrRenHi": Plan("qcd", "fsrDown", "qcd", paired=True),
        "data": Plan("data", "nominal", "data", paired=False),
    }
    dataset = read_filesets([path], ["*Hi", "*nominal"])["qcd_fsrRenHi"]
    assert plan_of("qcd_fsrRenHi", dataset.user_metadata()) == plans["qcd_fsrRenHi"]


@pytest.mark.parametrize(
    ("document", "error", "message"),
    [
        ({"a": {"files": ["data/none.root"]}}, InputFileError, "none.root does not exist"),
        ({"a": {"files": ["data/x*.root"]}}, InputFileError, "no file matches"),
        ({"a": {"files": {}}}, InputFileError, "names no files"),
        ({"a": {"files": ["data/a.root", "data/*.root"]}}, ConfigError, "twice"),
        ({"a": _metadata(variation="fsrUp")}, ConfigError, "a variation .fsrUp. of nothing"),
        ({"a": _metadata(variation="fsr up", resimulated_of="b"), "b": _metadata()}, UnknownVariationError, "'fsr up'"),
        (
            {"a": _metadata(variation="mpiOff", resimulated_of="b"), "b": _metadata()},
            InputFileError,
            "no file of data set 'a' says what its variation is; got .*a.root cannot be read",
        ),
        (
            {
                "n": _metadata(),
                "a": _metadata(variation="mpiOff", variation_record=_OFF, resimulated_of="n"),
                "m": _metadata(),
                "b": _metadata(variation="mpiOff", variation_record={**_OFF, "source": "mpi"}, resimulated_of="m"),
            },
            ConfigError,
            "'a' and 'b' mean different things by the variation 'mpiOff'; got mpiOffUp and mpiUp",
        ),
        ({"a": _metadata(variation="fsrRenHi", resimulated_of="c")}, ConfigError, "re-simulates 'c', which is not"),
        ({"a": _metadata(resimulated_of="b"), "b": _metadata()}, ConfigError, "says variation nominal"),
        (
            {"a": _metadata(variation="seed", resimulated_of="b", isMC=False), "b": _metadata()},
            ConfigError,
            "says isMC: false",
        ),
        (
            {
                "n": _metadata(),
                "a": _metadata(variation="fsrRenHi", resimulated_of="n"),
                "b": _metadata(variation="fsrDown", variation_record=_DOWN, resimulated_of="n"),
            },
            ConfigError,
            "'a' and 'b' are both fsrDown of 'n'",
        ),
    ],
)
def test_mistakes_are_named(tmp_path: Path, document: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        read_filesets([_write(tmp_path, document)])


def test_data_sets_are_chosen_by_pattern_and_parents_found_in_other_files(tmp_path: Path) -> None:
    names = {"qcd_nominal": None, "qcd_seed": "qcd_nominal", "hbb_nominal": None}
    first = {name: _metadata(sample=name[:3], variation=name[4:], resimulated_of=of) for name, of in names.items()}
    second = {"qcd_herwig": _metadata(variation="herwig", resimulated_of="qcd_nominal")}
    paths = [_write(tmp_path, document, f"{n}.json") for n, document in enumerate((second, first))]
    chosen = read_filesets(paths, ["*"], exclude=["hbb*", "*_seed"])
    assert list(chosen) == ["qcd_herwig", "qcd_nominal"]
    assert chosen["qcd_herwig"].plan == Plan("qcd", "herwigUp", "qcd", paired=True)
    with pytest.raises(ConfigError, match=r"no data set is left; got q\* without \*_\*; allowed: qcd_herwig"):
        read_filesets(paths, ["q*"], exclude=["*_*"])
    with pytest.raises(ConfigError, match=r"'qcd_nominal', which is not there.*datasets and exclude leave it out"):
        read_filesets(paths, exclude=["qcd_nominal"])
    with pytest.raises(ConfigError, match=r"which is not there.*add the fileset that names it"):
        read_filesets(paths[:1])


def test_a_name_in_two_filesets_is_refused(tmp_path: Path) -> None:
    paths = [_write(tmp_path, {"a": {"files": ["data/a.root"]}}, name) for name in ("1.json", "2.json")]
    with pytest.raises(ConfigError, match="'a' is in"):
        read_filesets(paths)


@pytest.mark.parametrize("text", ["not json", "[]", "{}"])
def test_a_file_that_is_no_fileset_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "fileset.json"
    path.write_text(text)
    with pytest.raises(InputFileError, match=r"fileset\.json"):
        read_filesets([path])
    with pytest.raises(InputFileError, match="cannot read"):
        read_filesets([tmp_path / "absent.json"])
