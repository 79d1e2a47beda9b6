"""Filesets in coffea's format."""

from __future__ import annotations

from pathlib import Path

import pytest

from rs3l_gnn.conventions import ConfigError, InputFileError
from rs3l_gnn.data.fileset import flag, matches_any, nominal_of, parse_dataset, read_document, renamed_samples


def test_files_are_relative_to_the_fileset_and_may_be_wildcards(tmp_path: Path) -> None:
    for name in ("a.root", "b.root"):
        (tmp_path / name).touch()
    path = tmp_path / "f.yaml"
    path.write_text("one: {files: '*.root', treename: T, metadata: {sample: x}}\ntwo: [root://there//c.root, a.root]\n")
    document = read_document(path)
    files, metadata = parse_dataset("one", path, document["one"])
    assert files == {str(tmp_path / "a.root"): "T", str(tmp_path / "b.root"): "T"}
    assert metadata == {"sample": "x"}
    assert parse_dataset("two", path, document["two"])[0] == {
        "root://there//c.root": "Events",
        str(tmp_path / "a.root"): "Events",
    }
    with pytest.raises(InputFileError, match=r"c.root does not exist; paths are relative to the fileset"):
        parse_dataset("three", path, ["c.root"])
    with pytest.raises(InputFileError, match="holds no data sets"):
        (tmp_path / "empty.json").write_text("[]")
        read_document(tmp_path / "empty.json")


def test_a_variation_names_its_nominal_data_set() -> None:
    metadata = {"a": {}, "b": {"resimulated_of": "a"}, "c": {"resimulated_of": "b"}, "d": {"resimulated_of": "e"}}
    assert nominal_of("a", metadata["a"], metadata, ()) is None
    assert nominal_of("b", metadata["b"], metadata, ()) == "a"
    with pytest.raises(ConfigError, match="which is a re-simulation itself"):
        nominal_of("c", metadata["c"], metadata, ())
    with pytest.raises(ConfigError, match="datasets and exclude leave it out"):
        nominal_of("d", metadata["d"], metadata, ("e",))


def test_flags_may_be_words() -> None:
    assert [flag({"isMC": word}, "isMC", default=True) for word in ("no", "True", 0, 1, None)] == [
        False,
        True,
        False,
        True,
        True,
    ]
    with pytest.raises(ConfigError, match="neither true nor false; got 'perhaps'"):
        flag({"isMC": "perhaps"}, "isMC", default=True)
    assert matches_any("tt_ext", ["tt*"])
    assert not matches_any("tt_ext", ["qcd", "tt"])


@pytest.mark.parametrize(
    ("metadata", "message"),
    [
        ({"xsec": "nan"}, "xsec: Input should be a finite number; got 'nan'"),
        ({"xsec": -1.0}, "xsec: Input should be greater than 0; got -1.0"),
        ({"xsec": [1.0]}, "xsec: Input should be a valid number"),
        ({"sumw": float("inf")}, "sumw: Input should be a finite number; got inf"),
        ({"n_hard_events": 2**70}, "n_hard_events: Input should be less than"),
        ({"sample": {}}, "sample: Input should be a valid string"),
        ({"resimulated_of": ["a"]}, "resimulated_of: Input should be a valid string"),
        ({1: 2}, "must have texts as keys; got 1"),
    ],
)
def test_metadata_have_their_domains(metadata: dict[object, object], message: str, tmp_path: Path) -> None:
    (tmp_path / "a.root").touch()
    entry = {"files": {"a.root": "Events"}, "metadata": metadata}
    with pytest.raises(InputFileError, match=f"the metadata of data set 'one' in .*f.json:? {message}"):
        parse_dataset("one", tmp_path / "f.json", entry)


@pytest.mark.parametrize("files", [[{}], [["a.root"]], [1]])
def test_files_are_names(files: object, tmp_path: Path) -> None:
    with pytest.raises(InputFileError, match="the files of data set 'one' in .* must be names"):
        parse_dataset("one", tmp_path / "f.json", files)


def test_samples_get_other_names() -> None:
    metadata: dict[str, dict[str, object]] = {
        "tt": {"sample": "top", "xsec": 2.0},
        "tt_fsr": {"resimulated_of": "tt", "sample": "top"},
        "zjet": {},
        "data": {"isMC": False},
    }
    assert renamed_samples(metadata, {"top": "top2", "zjet": "z2"}) == {
        "tt": {"sample": "top2", "xsec": 2.0},
        "tt_fsr": {"resimulated_of": "tt", "sample": "top2"},
        "zjet": {"sample": "z2"},
        "data": {"isMC": False},
    }
    assert metadata["zjet"] == {}
    with pytest.raises(ConfigError, match="no such sample; got tt; allowed: top, zjet, data"):
        renamed_samples(metadata, {"tt": "x"})
