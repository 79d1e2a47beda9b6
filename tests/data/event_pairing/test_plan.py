"""What is read of the files of a sample, from files that exist as lists of branches alone."""

from __future__ import annotations

from typing import Any

import pytest

from rs3l_gnn.conventions import ConfigError, MissingBranchError, get_variation
from rs3l_gnn.data.event_pairing.config import EventPairConfig
from rs3l_gnn.data.event_pairing.event_files import EventFile
from rs3l_gnn.data.event_pairing.plan import plan_sample
from rs3l_gnn.data.event_pairing.sample_views import SampleViews
from rs3l_gnn.data.event_pairing.view_index import ViewFiles
from rs3l_gnn.data.format_registry import get_format


def _named(table: str, *fields: str) -> tuple[str, ...]:
    return tuple(f"{table}_{field}" for field in fields)


KEY = ("run", "luminosityBlock", "event")
JETS = _named("FatJet", "pt", "eta", "phi", "mass")
PARTICLES = (
    *_named("PFCands", "pt", "eta", "phi", "mass", "pdgId", "charge", "d0", "dz"),
    *_named("FatJetPFCands", "jetIdx", "pFCandsIdx"),
)
PLAIN = (*KEY, *JETS, *PARTICLES)
GENERATED = _named("GenPart", "pdgId", "pt", "eta", "phi", "genPartIdxMother", "statusFlags")
LHE = _named("LHEPart", "pdgId", "pt", "eta", "phi")


def _sample(nominal: tuple[str, ...], other: tuple[str, ...] | None = None) -> SampleViews:
    form = get_format("pfnano")
    views = []
    for name, names in (("nominal", nominal), ("herwig", nominal if other is None else other)):
        branches = {branch: branch for branch in names}
        file = EventFile(f"{name}.root", "Events", form, branches, 10, form.domain(0.8), (), name)
        views.append(ViewFiles(f"tt_{name}", get_variation(name), (file,), {}))
    return SampleViews("tt", tuple(views))


def _config(match: str = "anchor", **more: Any) -> EventPairConfig:
    return EventPairConfig.model_validate({"jets": {"match": match}, "labels": {"source": "none"}, **more})


def _branches(sample: SampleViews, config: EventPairConfig) -> list[set[str]]:
    """Branches of the nominal file and of the other one, beside those of particles."""
    plan = plan_sample(sample, config)
    return [set(plan.branches(view.files[0], nominal=view is sample.nominal)) for view in sample.views]


def test_matching_by_the_distance_needs_jets_alone() -> None:
    plan = plan_sample(_sample(PLAIN), _config("delta_r"))
    assert (plan.partons, plan.anchors, plan.flags, plan.generator_jets, plan.caps) == (None, False, False, None, {})
    assert _branches(_sample(PLAIN), _config("delta_r")) == [{*KEY, *JETS}] * 2


def test_anchors_are_of_the_nominal_generator_particles() -> None:
    sample = _sample((*PLAIN, *GENERATED), PLAIN)
    plan = plan_sample(sample, _config())
    assert (plan.anchors, plan.flags) == (True, False)
    assert _branches(sample, _config()) == [{*KEY, *JETS, *GENERATED}, {*KEY, *JETS}]
    with pytest.raises(MissingBranchError, match=r"nominal\.root has no generator particles .* set jets\.match to"):
        plan_sample(_sample(PLAIN, (*PLAIN, *GENERATED)), _config())


def test_flags_of_the_files_go_before_generator_particles() -> None:
    flagged = (*PLAIN, "FatJet_anchor", *GENERATED)
    plan = plan_sample(_sample(flagged), _config())
    assert (plan.anchors, plan.flags) == (False, True)
    plan = plan_sample(_sample(flagged, PLAIN), _config())
    assert (plan.anchors, plan.flags) == (True, False)


@pytest.mark.parametrize(
    ("wanted", "nominal", "other", "found"),
    [
        ("auto", ("hardHash", *LHE, *GENERATED), ("hardHash", *LHE, *GENERATED), "hardHash"),
        ("auto", ("hardHash", *LHE, *GENERATED), (*LHE, *GENERATED), "LHEPart"),
        ("auto", (*LHE, *GENERATED), GENERATED, "GenPart"),
        ("auto", LHE, GENERATED, None),
        ("LHEPart", ("hardHash", *LHE), ("hardHash", *LHE), "LHEPart"),
        ("none", LHE, LHE, None),
    ],
)
def test_hard_partons_are_those_that_all_files_have(
    wanted: str, nominal: tuple[str, ...], other: tuple[str, ...], found: str | None
) -> None:
    sample = _sample((*PLAIN, *nominal), (*PLAIN, *other))
    assert plan_sample(sample, _config("leading", partons={"source": wanted})).partons == found


def test_partons_that_one_file_lacks_are_refused_where_they_are_asked_for() -> None:
    with pytest.raises(MissingBranchError, match=r"herwig\.root has no LHEPart to compare hard partons by"):
        plan_sample(_sample((*PLAIN, *LHE), PLAIN), _config("leading", partons={"source": "LHEPart"}))


def test_generator_jets() -> None:
    wide, narrow = (_named(table, "eta", "phi") for table in ("GenJetAK8", "GenJet"))
    assert plan_sample(_sample((*PLAIN, *wide, *narrow)), _config("generator_jets")).generator_jets == wide
    assert plan_sample(_sample((*PLAIN, *narrow)), _config("generator_jets")).generator_jets == narrow
    mine = {"jets": {"match": "generator_jets", "generator_jets": "GenJet"}, "labels": {"source": "none"}}
    plan = plan_sample(_sample((*PLAIN, *wide, *narrow)), EventPairConfig.model_validate(mine))
    assert plan.generator_jets == narrow
    with pytest.raises(MissingBranchError, match=r"herwig\.root lacks GenJetAK8_eta, GenJetAK8_phi"):
        plan_sample(_sample((*PLAIN, *wide), PLAIN), _config("generator_jets"))


def test_keys_weights_and_caps() -> None:
    sample = _sample((*PLAIN, "genWeight", "mine"))
    assert _branches(sample, _config("leading"))[0] == {*KEY, *JETS, "genWeight"}
    config = _config("leading", event_key=["mine"], weight="mine", caps={"Q": 5})
    # The numbers of NanoAOD stay: the split depends on them.
    assert _branches(sample, config)[0] == {"mine", *KEY, *JETS}
    assert plan_sample(sample, config).caps == {1: 5}
    with pytest.raises(ConfigError, match="caps: no jet is labelled 'x'"):
        plan_sample(sample, _config("leading", caps={"x": 5}))
    with pytest.raises(MissingBranchError, match=r"lacks other, needed for the key of an event"):
        plan_sample(sample, _config("leading", event_key=["other"]))
    with pytest.raises(MissingBranchError, match="has no numbers of events"):
        plan_sample(_sample((*JETS, *PARTICLES)), _config("leading"))


@pytest.mark.parametrize("absent", [*JETS, *PARTICLES[:4], *PARTICLES[-2:]])
def test_a_branch_that_one_file_lacks_is_named(absent: str) -> None:
    other = tuple(name for name in PLAIN if name != absent)
    with pytest.raises(MissingBranchError, match=rf"herwig\.root lacks {absent}"):
        plan_sample(_sample(PLAIN, other), _config("leading"))
