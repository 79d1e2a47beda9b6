"""What the files of each data set say about the entries of PSWeight, before the first event is read."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from rs3l_gnn.conventions import NOMINAL, ConfigError
from rs3l_gnn.processors.files import FileInfo
from rs3l_gnn.processors.running.fileset import Dataset
from rs3l_gnn.processors.running.metadata import flag, is_simulation
from rs3l_gnn.processors.systematics_config import SystematicsConfig
from rs3l_gnn.processors.weights import shower_weight_order, shower_weights

__all__ = ["ShowerOrders", "find_orders", "require_same_order", "without_shower_weights"]

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class ShowerOrders:
    """Data sets with what their files say about shower weights.

    Attributes:
        datasets: with ``psweight_names``, and ``shower_weights: false`` for those with a dummy.
        without: names of those with a dummy.
        unknown: names of those that have weights which nothing says the order of.
    """

    datasets: dict[str, Dataset]
    without: list[str]
    unknown: list[str]


def find_orders(config: SystematicsConfig, datasets: Mapping[str, Dataset], files: Iterable[FileInfo]) -> ShowerOrders:
    """Take the order of the shower weights from the files, and warn where there is none, or another one than given.

    Raises:
        ConfigError: files of one data set disagree, or the names of weights cannot be read.
    """
    used = {name for name, dataset in datasets.items() if _uses_weights(config, dataset)}
    mine = [info for info in files if info.dataset in used]
    orders = _first_orders(mine) if config.ps_order is not None else require_same_order(mine)
    out = {
        name: replace(dataset, metadata={**dataset.metadata, "psweight_names": list(orders.get(name, ()))})
        for name, dataset in datasets.items()
    }
    known = {name: order for name in used if (order := shower_weight_order(config, out[name].metadata))}
    without = without_shower_weights(info for info in mine if len(known.get(info.dataset, ())) > 1)
    for name in without:
        _log.warning("%s has no shower weights: its PSWeight is a dummy", name)
        out[name] = replace(out[name], metadata={**out[name].metadata, "shower_weights": False})
    entries = {info.dataset: info.shower_weights for info in mine if (info.shower_weights or 0) > 1}
    unknown = sorted(entries.keys() - known.keys())
    for name in unknown:
        _log.warning(
            "%s: what the %d entries of its PSWeight vary is not known, neither the title of the branch nor metadata "
            "say it, so that there are no variations psISR and psFSR; name them in systematics.ps_order, or say "
            "shower_weights: false in the metadata",
            name,
            entries[name],
        )
    for name in sorted(known.keys() - set(without)):
        _warn_of_another(config, name, orders.get(name, ()))
    return ShowerOrders(out, without, unknown)


def _uses_weights(config: SystematicsConfig, dataset: Dataset) -> bool:
    nominal = dataset.plan.variation == NOMINAL.name and is_simulation(dataset.metadata)
    return nominal and config.ps_weights and flag(dataset.metadata, "shower_weights", default=True)


def _warn_of_another(config: SystematicsConfig, name: str, order: tuple[str, ...]) -> None:
    if config.ps_order is None or not order:
        return
    given, found = (
        {weight.index: weight.name for weight in shower_weights(one, where=where)}
        for one, where in ((config.ps_order, "systematics.ps_order"), (order, f"data set {name!r}"))
    )
    if given != found:
        _log.warning("%s: systematics.ps_order is taken, though its files say: %s", name, ", ".join(order))


def _first_orders(infos: Iterable[FileInfo]) -> dict[str, tuple[str, ...]]:
    orders: dict[str, tuple[str, ...]] = {}
    for info in infos:
        orders.setdefault(info.dataset, info.psweight_names)
    return orders


def require_same_order(infos: Iterable[FileInfo]) -> dict[str, tuple[str, ...]]:
    """Order of the shower weights of each data set.

    Raises:
        ConfigError: files of one data set disagree.
    """
    orders: dict[str, tuple[str, ...]] = {}
    for info in infos:
        before = orders.setdefault(info.dataset, info.psweight_names)
        if before != info.psweight_names:
            raise ConfigError(
                f"{info.path} has another order of shower weights than the other files of {info.dataset!r}",
                got=", ".join(info.psweight_names) or "none",
                allowed=", ".join(before) or "none",
            )
    return orders


def without_shower_weights(infos: Iterable[FileInfo]) -> list[str]:
    """Data sets whose PSWeight is the one dummy entry that NanoAOD writes for samples without shower weights.

    Raises:
        ConfigError: some files of a data set have shower weights and others a dummy.
    """
    lengths: dict[str, dict[bool, str]] = {}
    for info in infos:
        if info.shower_weights is not None:
            lengths.setdefault(info.dataset, {})[info.shower_weights <= 1] = info.path
    for dataset, found in lengths.items():
        if len(found) == 2:
            raise ConfigError(
                f"of data set {dataset!r}, {found[False]} has shower weights and {found[True]} has a dummy",
                hint="make two data sets of it, or say shower_weights: false in its metadata",
            )
    return sorted(dataset for dataset, found in lengths.items() if True in found)
