"""Seeded damage: to bytes, to words of a text, to nodes of a JSON document."""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

__all__ = ["Mutation", "mutate_bytes", "mutate_document", "mutate_json", "mutate_text"]

Mutation = Callable[[np.random.Generator, bytes], bytes]
"""Damaged content from a generator of random numbers and the good content."""

_NUMBERS = (0, 1, -1, 127, 128, 255, 32767, 65535, 2**31 - 1, 2**31, 2**32 - 1, 2**63 - 1, 2**64 - 1)
_WORDS = (
    *("0", "-1", "1", "nan", "inf", "-inf", "1e999", "1e-999", "-0.0", "0x10", "1_000", "9" * 30, "-" + "9" * 30),
    *("2147483648", "", "a", "..", "/", "null", "true", "\u00e9", "\x00", "\u202e", "{", "]", "'", '"', "<", "&amp;"),
)
_NODES: tuple[Any, ...] = (
    *(None, True, 0, -1, 1, 2**31, 2**63, 2**70, 1e308, -1e-320, float("nan"), float("inf")),
    *("", "a", "../../a", "\x00", "nan", "x" * 5000, [], {}, [[]], [None], {"": {}}, [0] * 50, {"a": [{"a": []}]}),
)
_TOKEN = re.compile(rb"[^\s,:;<>=\"'(){}\[\]]+")
_LONGEST_RUN = 64


def mutate_bytes(rng: np.random.Generator, content: bytes) -> bytes:
    """One to four damages without a look at what the bytes mean."""
    for _ in range(int(rng.integers(1, 5))):
        content = _BYTE_DAMAGES[rng.integers(len(_BYTE_DAMAGES))](rng, content)
    return content


def mutate_text(rng: np.random.Generator, content: bytes) -> bytes:
    """One to three words or lines replaced, taken away, doubled or exchanged."""
    for _ in range(int(rng.integers(1, 4))):
        if rng.random() < 0.3:
            lines = content.splitlines(keepends=True)
            _move(rng, lines)
            content = b"".join(lines)
        elif tokens := list(_TOKEN.finditer(content)):
            one, other = (tokens[rng.integers(len(tokens))] for _ in range(2))
            word = _WORDS[rng.integers(len(_WORDS))].encode() if rng.random() < 0.8 else other[0]
            content = content[: one.start()] + word + content[one.end() :]
    return content


def mutate_json(rng: np.random.Generator, content: bytes) -> bytes:
    """A document with damaged nodes, written again; sometimes nested more deeply than a parser goes."""
    if rng.random() < 0.02:
        return b"[" * 100_000 + b"]" * 100_000
    return json.dumps(mutate_document(rng, json.loads(content))).encode()


def mutate_document(rng: np.random.Generator, document: Any) -> Any:
    """A copy with one or two nodes replaced, taken away or added."""
    document = copy.deepcopy(document)
    for _ in range(int(rng.integers(1, 3))):
        places = list(_places(document))
        if not places:
            return _NODES[rng.integers(len(_NODES))]
        holder, key = places[rng.integers(len(places))]
        kind = rng.random()
        if kind < 0.15:
            del holder[key]
        elif kind < 0.25 and isinstance(holder, dict):
            holder[_WORDS[rng.integers(len(_WORDS))]] = holder.pop(key)
        elif kind < 0.35:
            other, place = places[rng.integers(len(places))]
            if not isinstance(other[place], (dict, list)):  # no document inside itself
                holder[key] = other[place]
        else:
            holder[key] = copy.deepcopy(_NODES[rng.integers(len(_NODES))])
    return document


def _places(node: Any) -> Iterator[tuple[Any, Any]]:
    if isinstance(node, (dict, list)):
        for key in list(node) if isinstance(node, dict) else range(len(node)):
            yield node, key
            yield from _places(node[key])


def _move(rng: np.random.Generator, lines: list[bytes]) -> None:
    if not lines:
        return
    one, other = int(rng.integers(len(lines))), int(rng.integers(len(lines)))
    kind = rng.integers(3)
    if kind == 0:
        del lines[one]
    elif kind == 1:
        lines.insert(other, lines[one])
    else:
        lines[one], lines[other] = lines[other], lines[one]


def _cut(rng: np.random.Generator, size: int) -> slice:
    start = int(rng.integers(size + 1))
    return slice(start, min(size, start + int(rng.integers(1, _LONGEST_RUN))))


def _flip(rng: np.random.Generator, content: bytes) -> bytes:
    changed = bytearray(content)
    for _ in range(int(rng.integers(1, 9))) if content else ():
        changed[int(rng.integers(len(changed)))] ^= 1 << int(rng.integers(8))
    return bytes(changed)


def _overwrite(rng: np.random.Generator, content: bytes) -> bytes:
    where = _cut(rng, len(content))
    return content[: where.start] + rng.bytes(where.stop - where.start) + content[where.stop :]


def _number(rng: np.random.Generator, content: bytes) -> bytes:
    """A number at a border of its type, of any width and order of bytes."""
    width = int(rng.choice([1, 2, 4, 8]))
    number = int(_NUMBERS[rng.integers(len(_NUMBERS))]) % 2 ** (8 * width)
    start = int(rng.integers(max(1, len(content) - width)))
    packed: bytes = number.to_bytes(width, "big" if rng.random() < 0.5 else "little")
    return content[:start] + packed + content[start + width :]


def _end(rng: np.random.Generator, content: bytes) -> bytes:
    return content[: int(rng.integers(len(content) + 1))]


def _delete(rng: np.random.Generator, content: bytes) -> bytes:
    where = _cut(rng, len(content))
    return content[: where.start] + content[where.stop :]


def _double(rng: np.random.Generator, content: bytes) -> bytes:
    where = _cut(rng, len(content))
    return content[: where.stop] + content[where] + content[where.stop :]


def _insert(rng: np.random.Generator, content: bytes) -> bytes:
    start = int(rng.integers(len(content) + 1))
    return content[:start] + rng.bytes(int(rng.integers(1, _LONGEST_RUN))) + content[start:]


_BYTE_DAMAGES: tuple[Mutation, ...] = (_flip, _flip, _overwrite, _number, _number, _end, _delete, _double, _insert)
