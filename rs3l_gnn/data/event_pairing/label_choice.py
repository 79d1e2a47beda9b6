"""Which labels the jets of a sample get, decided before the work."""

from __future__ import annotations

from collections.abc import Iterable

from rs3l_gnn.conventions import (
    ConfigError,
    JetLabel,
    JetType,
    MissingBranchError,
    jettype_names,
    merge_labels,
    own_label,
)
from rs3l_gnn.conventions.expressions import parse_expression
from rs3l_gnn.data.event_pairing.config import EventPairConfig
from rs3l_gnn.data.event_pairing.generated import generated_branches
from rs3l_gnn.data.event_pairing.labels import (
    BranchLabels,
    ExpressionLabels,
    HistoryLabels,
    JetLabels,
    OneLabel,
    StoredLabels,
)
from rs3l_gnn.data.event_pairing.sample_views import SampleViews

__all__ = ["JETTYPE_KEY", "choose_labels", "label_number"]

JETTYPE_KEY = "jettype"
"""Key of a data set's metadata with the type of all of its jets."""
_RADIUS_HINT = "set labels.radius, or labels.source to none"


def choose_labels(sample: SampleViews, config: EventPairConfig) -> JetLabels:
    """The labels of a sample.

    Raises:
        ConfigError: metadata that name no type, or not the same one in all views, or a radius that is not known.
        MissingBranchError: some files have what labels are made from, and others have not.
    """
    labels = config.labels
    if labels.source == "branch" and labels.branch is not None:
        values = {value: _number(name) for value, name in labels.values.items()}
        return BranchLabels(labels.branch, values, own=_own(labels.values.values()))
    if labels.source == "expressions":
        conditions = {_number(name): parse_expression(text) for name, text in labels.expressions.items()}
        return ExpressionLabels(conditions, own=_own(labels.expressions))
    if labels.source == "dataset":
        return _of_metadata(sample)
    if labels.source == "history":
        return HistoryLabels(_radius(sample, labels.radius))
    if labels.source == "auto":
        return _found(sample, labels.radius)
    return OneLabel(JetType.UNMATCHED)


def _found(sample: SampleViews, radius: float | None) -> JetLabels:
    """What the files and metadata have."""
    if any(JETTYPE_KEY in view.metadata for view in sample.views):
        return _of_metadata(sample)
    files = [file for view in sample.views for file in view.files]
    for what, has, make in (
        (
            "the field jettype",
            [bool(file.jet_branches(["jettype"])) for file in files],
            lambda: StoredLabels(own=merge_labels(file.labels for file in files)),
        ),
        (
            "generator particles",
            [generated_branches(file.names) is not None for file in files],
            lambda: HistoryLabels(_radius(sample, radius)),
        ),
    ):
        if all(has):
            return make()
        if any(has):
            raise MissingBranchError(
                f"{files[has.index(True)].path} has {what} to label jets by, {files[has.index(False)].path} has not",
                hint="say labels.source: branch, expressions, dataset (metadata jettype) or none",
            )
    return OneLabel(JetType.UNMATCHED)


def label_number(name: str, own: tuple[JetLabel, ...]) -> int:
    """Number of one label of a sample.

    Raises:
        ConfigError: it is neither in the registry nor among ``own``.
    """
    known = {label: number for number, label in jettype_names(own).items()}
    if name not in known:
        raise ConfigError(f"caps: no jet is labelled {name!r}", allowed=list(known))
    return known[name]


def _number(name: str) -> int:
    return int(JetType[name]) if name in JetType.__members__ else own_label(name).number


def _own(names: Iterable[str]) -> tuple[JetLabel, ...]:
    return merge_labels([[own_label(name) for name in names if name not in JetType.__members__]])


def _of_metadata(sample: SampleViews) -> OneLabel:
    """Type that the nominal data set names; the other views have it too, and may name it again."""
    names = {view.dataset: view.metadata.get(JETTYPE_KEY) for view in sample.views}
    wanted = names[sample.nominal.dataset]
    if not isinstance(wanted, str):
        raise ConfigError(
            f"the metadata of data set {sample.nominal.dataset!r} name no jettype",
            got=wanted,
            allowed=list(JetType.__members__),
        )
    for dataset, name in names.items():
        if name not in (None, wanted):
            raise ConfigError(
                f"data set {dataset!r} says jettype {name}, and {sample.nominal.dataset!r} of the same events {wanted}"
            )
    return OneLabel(_number(wanted), own=_own([wanted]))


def _radius(sample: SampleViews, wanted: float | None) -> float:
    if wanted is not None:
        return wanted
    for file in sample.nominal.files:
        if file.domain.radius is not None:
            return file.domain.radius
    raise ConfigError(f"the radius of the jets of {sample.nominal.dataset!r} is not known", hint=_RADIUS_HINT)
