"""What has to be read of the files of a sample, decided before the work."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from rs3l_gnn.conventions import MissingBranchError
from rs3l_gnn.data.event_pairing.config import EventPairConfig
from rs3l_gnn.data.event_pairing.event_files import EventFile
from rs3l_gnn.data.event_pairing.generated import generated_branches
from rs3l_gnn.data.event_pairing.label_choice import choose_labels, label_number
from rs3l_gnn.data.event_pairing.particles import particle_branches
from rs3l_gnn.data.event_pairing.partons import parton_branches, parton_source
from rs3l_gnn.data.event_pairing.read_plan import ReadPlan
from rs3l_gnn.data.event_pairing.sample_views import SampleViews
from rs3l_gnn.data.event_pairing.shower_weights import named_weights

__all__ = ["plan_sample"]


def plan_sample(sample: SampleViews, config: EventPairConfig) -> ReadPlan:
    """Choose what the events and jets of a sample are matched by, and see that all files have it.

    Raises:
        MissingBranchError: a file lacks branches; they are named, with what else could be chosen.
    """
    files = [file for view in sample.views for file in view.files]
    partons = parton_source(config.partons.source, [file.names for file in files])
    if partons is None and config.partons.source not in ("auto", "none"):
        _refuse_partons(config.partons.source, files)
    by_anchor = config.jets.match == "anchor"
    flags = by_anchor and all(file.jet_branches(["anchor"]) for file in files)
    if by_anchor and not flags:
        for file in sample.nominal.files:
            if generated_branches(file.names) is None:
                raise MissingBranchError(
                    f"{file.path} has no generator particles (GenPart, Particle) to match jets by",
                    hint="set jets.match to generator_jets, delta_r or leading",
                )
    generator_jets = _generator_jets(config, files) if config.jets.match == "generator_jets" else None
    labels = choose_labels(sample, config)
    caps = {label_number(name, labels.own): most for name, most in config.caps.items()}
    plan = ReadPlan(config, partons, by_anchor and not flags, flags, labels, generator_jets, caps)
    plan = replace(plan, shower_weights=named_weights(map(plan.weight_branches, sample.nominal.files)))
    for view in sample.views:
        for file in view.files:
            plan.branches(file, nominal=view is sample.nominal)
            particle_branches(file, puppi=config.puppi)
    return plan


def _refuse_partons(source: str, files: Sequence[EventFile]) -> None:
    without = next(file for file in files if parton_branches(source, file.names) is None)
    raise MissingBranchError(
        f"{without.path} has no {source} to compare hard partons by", hint="set partons.source to auto or none"
    )


def _generator_jets(config: EventPairConfig, files: Sequence[EventFile]) -> tuple[str, ...]:
    """Branches with eta and phi of the generator jets, which all files have."""
    name = config.jets.generator_jets
    if name is None:
        wide = any((file.form.jet_branch("pt", file.names) or "").startswith("FatJet") for file in files)
        name = "GenJetAK8" if wide and any(f"GenJetAK8_{eta}" in files[0].names for eta in ("eta",)) else "GenJet"
    choices = [(f"{name}_eta", f"{name}_phi"), (f"{name}.Eta", f"{name}.Phi")]
    found = next((pair for pair in choices if set(pair) <= set(files[0].names)), choices[0])
    for file in files:
        file.require(found, what="the generator jets")
    return found
