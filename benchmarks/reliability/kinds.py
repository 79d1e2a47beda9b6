"""Every kind of file that a verb reads: how a verb reads it, how to damage it, and what may change without harm."""

from __future__ import annotations

import gzip
import json
import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from rs3l_gnn.benchmarks.reliability.mutations import Mutation, mutate_bytes, mutate_document, mutate_json, mutate_text
from rs3l_gnn.benchmarks.reliability.readers import READERS

__all__ = ["KINDS", "Kind"]


@dataclass(frozen=True)
class Kind:
    """One kind of file.

    Attributes:
        seed: name of a good file of :func:`~rs3l_gnn.benchmarks.reliability.seeds.make_seeds`.
        read: reads a file as a verb does, as far as its numbers.
        damages: ways to damage it, equally often.
        harmless: changes a file in what does not matter; None where every byte does.
        share: how many mutations it gets, relative to others.
    """

    seed: str
    read: Callable[[Path], Any]
    damages: tuple[Mutation, ...]
    harmless: Callable[[bytes], bytes] | None
    share: float = 1.0

    def damage(self, rng: np.random.Generator, content: bytes) -> bytes:
        """Damaged content."""
        return self.damages[rng.integers(len(self.damages))](rng, content)


def _packed(inner: Mutation) -> Mutation:
    """Damage to what is packed: the packing itself stays good."""
    return lambda rng, content: gzip.compress(inner(rng, gzip.decompress(content)), 1)


def _safetensors_header(rng: np.random.Generator, content: bytes) -> bytes:
    """Damage to the header, or to the document that is a text within it."""
    (length,) = struct.unpack("<Q", content[:8])
    header = json.loads(content[8 : 8 + length])
    if rng.random() < 0.7:
        document = mutate_document(rng, json.loads(header["__metadata__"]["rs3l"]))
        header["__metadata__"]["rs3l"] = json.dumps(document)
    else:
        header = mutate_document(rng, header)
    text = json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + content[8 + length :]


def _onnx_graph(rng: np.random.Generator, content: bytes) -> bytes:
    """Damage to the graph that the file still holds, which is a document too."""
    import onnx

    json_form = onnx.serialization.registry.get("json")
    document = json.loads(json_form.serialize_proto(onnx.ModelProto.FromString(content)))
    try:
        model = json_form.deserialize_proto(json.dumps(mutate_document(rng, document)), onnx.ModelProto())
    except Exception:  # noqa: BLE001  # of protobuf: a word where the format has room for a number alone
        return mutate_bytes(rng, content)
    damaged: bytes = model.SerializeToString()
    return damaged


def _indented(content: bytes) -> bytes:
    return json.dumps(json.loads(content), indent=3).encode() + b"\n\n"


def _commented(content: bytes) -> bytes:
    return b"# a word\n\n" + content + b"\n# another\n"


def _spaced_lhe(content: bytes) -> bytes:
    """Spaces between numbers, a comment behind an event, and lines before the file's end."""
    wide = content.replace(b" 0. ", b"   0.0 ").replace(b"<rwgt>", b"# a word\n<rwgt>")
    return wide.replace(b"</LesHouchesEvents>", b"\n\n</LesHouchesEvents>\n\n")


def _repacked(content: bytes) -> bytes:
    """Another level, and two members instead of one."""
    text = gzip.decompress(content)
    return gzip.compress(text[:100], 9) + gzip.compress(text[100:], 1)


def _crlf(content: bytes) -> bytes:
    return content.replace(b"\n", b"\r\n")


def _spaced_card(content: bytes) -> bytes:
    return content.replace(b" 1 ", b"   1 ") + b"\n\n"


def _kinds() -> Iterator[Kind]:
    text, document = (mutate_bytes, mutate_text, mutate_text), (mutate_bytes, mutate_text, mutate_json, mutate_json)
    packed = (mutate_bytes, _packed(mutate_bytes), _packed(mutate_text))
    weights = (mutate_bytes, _safetensors_header)
    # What takes 50 ms to read gets less than what takes one.
    yield Kind("events.lhe", READERS["events.lhe"], text, _spaced_lhe, 4)
    yield Kind("events.lhe.gz", READERS["events.lhe"], packed, _repacked, 2)
    yield Kind("events.hepmc", READERS["events.hepmc"], text, _crlf, 2)
    yield Kind("events2.hepmc", READERS["events.hepmc"], text, _crlf)
    yield Kind("simulated.root", READERS["simulated.root"], (mutate_bytes,), None)
    yield Kind("histograms.root", READERS["histograms.root"], (mutate_bytes,), None)
    yield Kind("views.h5", READERS["views.h5"], (mutate_bytes,), None, 2)
    yield Kind("published.h5", READERS["published.h5"], (mutate_bytes,), None, 2)
    yield Kind("tagger.safetensors", READERS["tagger"], weights, None, 2)
    yield Kind("published.pt", READERS["tagger"], (mutate_bytes,), None, 2)
    yield Kind("last.ckpt", READERS["checkpoint"], (mutate_bytes,), None, 2)
    yield Kind("network.onnx", READERS["exported"], (mutate_bytes, _onnx_graph, _onnx_graph), None, 2)
    yield Kind("network.pt", READERS["exported"], (mutate_bytes,), None)
    yield Kind("output.coffea", READERS["coffea"], (mutate_bytes,), None)
    yield Kind("fileset.json", READERS["fileset"], document, _indented, 3)
    yield Kind("histograms.json", READERS["histograms.json"], document, _indented, 3)
    yield Kind("replicas.npz", READERS["replicas.npz"], (mutate_bytes,), None, 2)
    yield Kind("result.chunk", READERS["result.chunk"], (mutate_bytes,), None)
    yield Kind("config.yaml", READERS["config.yaml"], text, _commented, 3)
    yield Kind("certified.json", READERS["certified.json"], document, _indented, 2)
    yield Kind("corrections.json", READERS["corrections.json"], document, _indented, 2)
    yield Kind("history.csv", READERS["history.csv"], text, _crlf, 2)
    yield Kind("card.txt", READERS["described"], text, _spaced_card)
    yield Kind("views.report.json", READERS["described"], document, _indented)


KINDS = {kind.seed: kind for kind in _kinds()}
"""By the name of the good file."""
