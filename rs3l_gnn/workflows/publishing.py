"""A network as a folder for a model hub: weights, card, configuration, metrics, licence."""

from __future__ import annotations

import datetime as dt
import json
import re
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from rs3l_gnn import __version__
from rs3l_gnn.conventions import CheckpointError, ConfigError, atomic_directory, file_digest, write_json
from rs3l_gnn.conventions.config import read_text
from rs3l_gnn.conventions.locks import holds_output
from rs3l_gnn.models import inspect_checkpoint
from rs3l_gnn.models.hub import HUB_FILE
from rs3l_gnn.models.stored import find_checkpoint

__all__ = ["publish"]

_REPOSITORY = re.compile(r"[\w.-]+/[\w.-]+")
_EFFICIENCIES = ("50", "80")
_BSD = """BSD 3-Clause License

Copyright (c) {year}, {holder}

Redistribution and use in source and binary forms, with or without
modification, are permitted provided that the following conditions are met:

1. Redistributions of source code must retain the above copyright notice, this
   list of conditions and the following disclaimer.

2. Redistributions in binary form must reproduce the above copyright notice,
   this list of conditions and the following disclaimer in the documentation
   and/or other materials provided with the distribution.

3. Neither the name of the copyright holder nor the names of its contributors
   may be used to endorse or promote products derived from this software
   without specific prior written permission.

THIS SOFTWARE IS PROVIDED BY THE COPYRIGHT HOLDERS AND CONTRIBUTORS "AS IS" AND
ANY EXPRESS OR IMPLIED WARRANTIES, INCLUDING, BUT NOT LIMITED TO, THE IMPLIED
WARRANTIES OF MERCHANTABILITY AND FITNESS FOR A PARTICULAR PURPOSE ARE
DISCLAIMED. IN NO EVENT SHALL THE COPYRIGHT HOLDER OR CONTRIBUTORS BE LIABLE FOR
ANY DIRECT, INDIRECT, INCIDENTAL, SPECIAL, EXEMPLARY, OR CONSEQUENTIAL DAMAGES
(INCLUDING, BUT NOT LIMITED TO, PROCUREMENT OF SUBSTITUTE GOODS OR SERVICES;
LOSS OF USE, DATA, OR PROFITS; OR BUSINESS INTERRUPTION) HOWEVER CAUSED AND ON
ANY THEORY OF LIABILITY, WHETHER IN CONTRACT, STRICT LIABILITY, OR TORT
(INCLUDING NEGLIGENCE OR OTHERWISE) ARISING IN ANY WAY OUT OF THE USE OF THIS
SOFTWARE, EVEN IF ADVISED OF THE POSSIBILITY OF SUCH DAMAGE.
"""


@holds_output
def publish(
    model: Path | str,
    output: Path | str,
    *,
    repository: str,
    metrics: Path | str | None = None,
    tagger: str | None = None,
    licence: Path | str | None = None,
    holder: str = "the authors of the network",
    force: bool = False,
) -> Path:
    """Write the folder; uploading it is left to the tools of the hub.

    Args:
        model: a checkpoint, the output folder of a training, or a shipped network by name.
        output: folder to make.
        repository: owner/name of the network on the hub.
        metrics: ``metrics.json`` of ``rs3l evaluate``, or its folder, for what the card says of the performance.
        tagger: which of the taggers there; needed if there are several networks.
        licence: a text to take in place of the BSD 3-clause licence, which names ``holder``.
        holder: of the copyright.
        force: replace a folder that exists.

    Returns:
        The folder.

    Raises:
        CheckpointError: there is no such network, or it is a file of another package's format.
        ConfigError: the name of the repository cannot be one, or the metrics hold no such tagger.
        InputFileError: metrics or licence cannot be read.
        OutputError: the folder exists.
    """
    if not _REPOSITORY.fullmatch(repository):
        raise ConfigError("a hub knows networks as owner/name", got=repr(repository))
    source = _checkpoint(Path(model))
    document = inspect_checkpoint(source)
    measured = None if metrics is None else _measured(Path(metrics), tagger)
    text = _BSD.format(year=dt.datetime.now(dt.UTC).year, holder=holder)
    if licence is not None:
        text = read_text(Path(licence))
    file = f"{document['kind']}.safetensors"
    with atomic_directory(Path(output), force=force) as folder:
        shutil.copyfile(source, folder / file)
        config = {
            "file": file,
            "sha256": file_digest(folder / file),
            "library_name": "rs3l_gnn",
            "library_version": __version__,
            **{key: document[key] for key in _KEPT if key in document},
        }
        write_json(folder / HUB_FILE, config)
        if measured is not None:
            write_json(folder / "metrics.json", measured)
        (folder / "LICENSE").write_text(text, encoding="utf-8")
        front = yaml.safe_dump(_front(repository, measured, own=licence is not None), sort_keys=False)
        card = f"---\n{front}---\n{_card(repository, document, measured)}"
        (folder / "README.md").write_text(card, encoding="utf-8")
    return Path(output)


_KEPT = ("format", "version", "kind", "features", "classes", "domain", "config", "digest", "n_parameters", "provenance")


def _checkpoint(model: Path) -> Path:
    if model.is_dir():
        found = [path for name in ("tagger", "encoder") if (path := model / f"{name}.safetensors").is_file()]
        if not found:
            raise CheckpointError(f"{model} holds neither tagger.safetensors nor encoder.safetensors")
        return found[0]
    path = find_checkpoint(model)
    if path.suffix != ".safetensors":
        raise CheckpointError(f"{path} is not a checkpoint of this package", allowed=".safetensors")
    return path


def _measured(path: Path, tagger: str | None) -> dict[str, Any]:
    """AUC and rejections of one tagger in an evaluation, under its name."""
    path = path / "metrics.json" if path.is_dir() else path
    try:
        tagging: dict[str, Any] = dict(json.loads(read_text(path))["tagging"])
    except (ValueError, KeyError, TypeError) as error:
        raise ConfigError(f"{path} is no metrics.json of rs3l evaluate") from error
    networks = [name for name in tagging if name != "n2"]
    name = tagger or (networks[0] if len(networks) == 1 else "")
    if name not in tagging:
        raise ConfigError(
            f"{path} holds no tagger {name or '(which one?)'}", allowed=networks, hint="name it: --tagger"
        )
    found = tagging[name]
    rejection = {key: found["rejection"][key] for key in _EFFICIENCIES if key in found["rejection"]}
    return {"tagger": name, "auc": found["auc"], "auc_error": found.get("auc_error"), "rejection": rejection}


def _front(repository: str, measured: Mapping[str, Any] | None, *, own: bool) -> dict[str, Any]:
    """The block of metadata that hubs read."""
    front: dict[str, Any] = {
        "license": "other" if own else "bsd-3-clause",
        "library_name": "rs3l_gnn",
        "tags": ["physics", "high-energy-physics", "jet-tagging", "graph-neural-network", "rs3l_gnn"],
    }
    if measured is not None:
        values = [{"type": "auc", "name": "AUC", "value": measured["auc"]}]
        for key, entry in measured["rejection"].items():
            values.append({"type": "rejection", "name": f"1/FPR at {key} %", "value": _value(entry)})
        result = {
            "task": {"type": "jet-tagging", "name": "jet tagging"},
            "dataset": {"type": "simulation", "name": "test events of the evaluation"},
            "metrics": values,
        }
        front["model-index"] = [{"name": repository.partition("/")[2], "results": [result]}]
    return front


def _card(repository: str, document: Mapping[str, Any], measured: Mapping[str, Any] | None) -> str:
    kind, domain = document["kind"], document.get("domain") or {}
    name = repository.partition("/")[2]
    lines = [f"# {name}", "", f"{kind.capitalize()} of rs3l_gnn ([RS3L](https://arxiv.org/abs/2403.07066)).", ""]
    lines += ["| | |", "| --- | --- |", f"| Parameters | {document['n_parameters']:,} |"]
    classes = document.get("classes") or []
    # Of several scores the evaluation made one, under the name of its tagger.
    of_what = f" of {measured['tagger']}" if measured is not None and len(classes) > 1 else ""
    if classes:
        lines.append(f"| Scores | {', '.join(classes)} |")
    lines.append(f"| Features of each candidate | {', '.join(entry['name'] for entry in document['features'])} |")
    lines += [
        f"| Jets of the training: {key} | {_words(value)} |" for key, value in domain.items() if value is not None
    ]
    if measured is not None:
        error = "" if measured["auc_error"] is None else f" ± {measured['auc_error']:.4f}"
        lines.append(f"| AUC{of_what} | {measured['auc']:.4f}{error} |")
        lines += [
            f"| 1/FPR{of_what} at {key} % | {_value(entry):.4g} |" for key, entry in measured["rejection"].items()
        ]
    lines += [f"| Hash of the weights | `{document['digest']}` |", "", "## Use", "", "```python"]
    if kind == "tagger" and len(classes) > 1:
        one = f'Discriminant(signal=("{classes[-1]}",), background=("{classes[0]}",))'
        lines += [
            "from rs3l_gnn.inference import Discriminant, JetTagger",
            "",
            f'tagger = JetTagger("hf://{repository}")',
        ]
        lines.append("scores = tagger(events.FatJet, events.PFCands, events.FatJetPFCands)")
        lines.append(f'p = scores["{classes[-1]}"]  # float32 [event][jet], one for each class')
        lines.append(f'one = JetTagger("hf://{repository}", discriminant={one})')
    elif kind == "tagger":
        lines += ["from rs3l_gnn.inference import JetTagger", "", f'tagger = JetTagger("hf://{repository}")']
        lines.append("score = tagger(events.FatJet, events.PFCands, events.FatJetPFCands)  # float32 [event][jet]")
    else:
        lines += ["import rs3l_gnn", "", f'encoder = rs3l_gnn.load_encoder("hf://{repository}")']
        lines.append("z = encoder.embed(features, offsets)  # float32 [n_jets, dim]")
    lines += ["```", "", "## Limits", "", "Scores of jets of another kind than those of the training mean nothing."]
    lines += ["How it was trained stands in `config.json` under `provenance`.", ""]
    return "\n".join(lines)


def _value(entry: Any) -> float:
    return float(entry["value"] if isinstance(entry, dict) else entry)


def _words(value: Any) -> str:
    return (", ".join(map(str, value)) or "none") if isinstance(value, list) else str(value)
