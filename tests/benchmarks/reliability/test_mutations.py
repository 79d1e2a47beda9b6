from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from rs3l_gnn.benchmarks.reliability.mutations import (
    Mutation,
    mutate_bytes,
    mutate_document,
    mutate_json,
    mutate_text,
)

DOCUMENT: dict[str, Any] = {"a": [1, 2, {"b": None}], "c": {"d": "text"}}
CONTENT = json.dumps(DOCUMENT).encode()


@pytest.mark.parametrize("mutation", [mutate_bytes, mutate_text, mutate_json])
def test_damage_is_seeded_and_of_many_kinds(mutation: Mutation) -> None:
    copies = [mutation(np.random.default_rng(seed), CONTENT) for seed in range(100)]
    assert copies == [mutation(np.random.default_rng(seed), CONTENT) for seed in range(100)]
    assert len(set(copies)) > 70
    assert sum(copy == CONTENT for copy in copies) < 15


@pytest.mark.parametrize("mutation", [mutate_bytes, mutate_text])
def test_nothing_can_be_damaged_too(mutation: Mutation) -> None:
    assert all(isinstance(mutation(np.random.default_rng(seed), b""), bytes) for seed in range(50))


def test_a_document_keeps_most_and_is_never_inside_itself() -> None:
    before = json.dumps(DOCUMENT)
    for seed in range(200):
        json.dumps(mutate_document(np.random.default_rng(seed), DOCUMENT))  # fails for a circle
    assert json.dumps(DOCUMENT) == before
