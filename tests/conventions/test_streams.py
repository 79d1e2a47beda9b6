from __future__ import annotations

from itertools import product

from rs3l_gnn.conventions import Stage, event_rng, pythia_seed


def test_every_event_variation_stage_and_sample_has_its_own_stream() -> None:
    keys = list(product((1, 2), ("qcd", "hbb"), range(20), (-1, 0, 4), Stage))
    seeds = {pythia_seed(*key) for key in keys}
    assert len(seeds) > 0.999 * len(keys)  # 31-bit seeds may meet by chance
    assert all(0 < seed < 900_000_000 for seed in seeds)


def test_streams_do_not_depend_on_what_ran_before() -> None:
    first = event_rng(1, "qcd", 7, 0, Stage.DETECTOR).normal(size=3)
    event_rng(1, "qcd", 8, 0, Stage.DETECTOR).normal(size=3)
    again = event_rng(1, "qcd", 7, 0, Stage.DETECTOR).normal(size=3)
    assert first.tolist() == again.tolist()


def test_the_numbers_are_fixed() -> None:
    # Files written with one version must be reproduced by the next.
    assert pythia_seed(1, "qcd", 7, -1, Stage.SHOWER) == 385471883
