"""Shipped taggers whose name stands for several: one for all files of a job, decided before the first event."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from functools import partial

from rs3l_gnn.conventions import JetDomain
from rs3l_gnn.inference import choose_shipped, features_of_name, stands_for_several, with_paper
from rs3l_gnn.processors.config import AnalysisConfig
from rs3l_gnn.processors.files import FileToOpen, look_at_files

__all__ = ["choose_taggers", "lacking_in_any"]

_log = logging.getLogger(__name__)


def choose_taggers(config: AnalysisConfig, files: Sequence[FileToOpen]) -> AnalysisConfig:
    """The configuration with the names of taggers that all readable files can feed.

    Raises:
        InvalidDataError: no tagger of a name can be fed by all files.
        ConfigError: several can, and none is better.
    """
    several = {name: model for name, model in config.networks.items() if isinstance(model, str)}
    several = {name: model for name, model in several.items() if stands_for_several(model)}
    if not several:
        return config
    domains: list[JetDomain] = []
    features = with_paper(feature for model in several.values() for feature in features_of_name(model))
    look_at_files(
        files,
        config,
        compare=lambda domain, _: domains.append(domain),
        features=features,
        timeout=config.run.xrootd_timeout,
    )
    lacking = partial(lacking_in_any, domains)
    chosen = {name: choose_shipped(model, lacking, where="the files") for name, model in several.items()}
    for name, model in several.items():
        _log.info("%s: %s is %s, whose features all files have", name, model, chosen[name])
    return config.model_copy(update={"taggers": {**config.taggers, **chosen}})


def lacking_in_any(domains: Iterable[JetDomain], features: Sequence[str]) -> tuple[str, ...]:
    """Those of ``features`` that the jets of one of several files lack."""
    missing = {name for domain in domains for name in domain.lacking(features)}
    return tuple(name for name in features if name in missing)
