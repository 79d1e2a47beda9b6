"""A tagger for awkward arrays: scores jagged like the jets."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import awkward as ak
import numpy as np
from numpy.typing import ArrayLike, NDArray

from rs3l_gnn.conventions import ConfigError, InvalidDataError, JetDomain
from rs3l_gnn.conventions.extras import needs_extra
from rs3l_gnn.conventions.precisions import Precision, require_exact, require_precision
from rs3l_gnn.data.feature_fields import lacking_features
from rs3l_gnn.inference.by_format import choose_shipped, features_of_name, stands_for_several
from rs3l_gnn.inference.cache import cached_exported, cached_served, cached_tagger, limited_threads
from rs3l_gnn.inference.inputs import JetInputs, format_of_candidates, jet_inputs, with_paper
from rs3l_gnn.inference.shipped import shipped_networks
from rs3l_gnn.models.discriminants import Discriminant, one_score, require_one_score
from rs3l_gnn.models.shared import LastEmbeddings
from rs3l_gnn.models.stored import seen_events
from rs3l_gnn.models.triton.candidates import sent_features

if TYPE_CHECKING:
    from rs3l_gnn.inference.loading import JetScorer
    from rs3l_gnn.models import ExportedNetwork, ExportedTagger

__all__ = ["TRAINING_PT_MIN", "JetTagger"]

TRAINING_PT_MIN = 450.0
"""GeV; the published samples and ours hold no jets below it."""

_log = logging.getLogger(__name__)
_said: set[str] = set()
_SETTLED = ("digest", "classes", "domain", "pt_min", "seen_events")


class JetTagger:
    """A trained tagger that takes jets as they stand in event files.

    It holds a path, a content hash and what the checkpoint says of itself: it pickles in a few bytes, and each process
    loads the network once, at first use. Scores of EdgeConv networks do not depend on how jets are cut into chunks.

    Args:
        name_or_path: a shipped tagger by name (``default`` for the one that the format of the jets can feed, see
            :meth:`choose`), a checkpoint file, a published one (``hf://owner/name``, ``https://...#sha256=...``), a
            model on a Triton server (``triton://host:port/model``), or a network in ONNX or TorchScript
            (:class:`rs3l_gnn.models.ExportedNetwork`).
        device: ``cpu``, ``cuda:n``, or ``auto`` for the first GPU where there is one.
        precision: ``int16`` for whole numbers of 16 bits in the EdgeConv layers, see :func:`rs3l_gnn.load_tagger`.
        threads: threads for the kernels and torch during a call, one by default because a worker owns one core;
            None leaves the settings of the process alone.
        puppi: scale candidates by their PUPPI weights in a call and in :meth:`embed`.
        pt_min: jets below this pT (GeV) are outside the range that the network was trained on; None takes what the
            checkpoint says, and 450 where it does not (0 for networks of other programs).
        discriminant: makes one score of the several of a tagger of three or more classes.

    Raises:
        ConfigError: an unknown device or precision, one that is not for this network, no thread, or a discriminant of
            classes that are not there.
        CheckpointError: the checkpoint cannot be read.

    Attributes:
        digest: content hash of the weights and of a precision other than float32.
        encoder_digest: of its encoder, which several taggers may share; None for scores alone.
        classes: names of the network's scores in their order: ``signal`` alone, or three and more.
        domain: the kind of jets that the network was trained on, as far as its checkpoint says.
        pt_min: GeV, the lower end of :meth:`in_range`.
        seen_events: what its checkpoint says of the events of its trainings, see
            :mod:`rs3l_gnn.conventions.seen_events`.

    Example::

        tagger = JetTagger("default-hbb")
        score = tagger(events.FatJet, events.PFCands, events.FatJetPFCands)  # float32 [event][jet]
    """

    def __init__(
        self,
        name_or_path: str | Path | ExportedNetwork,
        *,
        device: str = "cpu",
        precision: Precision = "float32",
        threads: int | None = 1,
        puppi: bool = False,
        pt_min: float | None = None,
        discriminant: Discriminant | None = None,
    ) -> None:
        if not re.fullmatch(r"auto|cpu|cuda(:\d+)?", device):
            raise ConfigError("unknown device", got=repr(device), allowed="auto, cpu, cuda:n")
        require_precision(precision)
        if threads is not None and not threads >= 1:
            raise ConfigError("threads must be at least 1, or None to leave them alone", got=threads)
        self.puppi, self.discriminant = puppi, discriminant
        self.device, self.precision, self.threads = device, precision, threads
        self.seen_events: tuple[dict[str, Any], ...] = ()
        self.encoder_digest: str | None = None
        self.exported = None if isinstance(name_or_path, (str, Path)) else _resolved(name_or_path)
        self.served = self.exported is None and str(name_or_path).startswith("triton://")
        if self.exported is None and stands_for_several(str(name_or_path)):
            self.name_or_path, self._asked_pt_min = str(name_or_path), pt_min
            return  # the first jets decide
        if self.served:
            self.name_or_path = str(name_or_path)
            require_exact(precision, network=self.name_or_path)
            distant = cached_served(self.name_or_path, None)
            self.digest, self.classes, self.domain = distant.digest, distant.classes, distant.domain
        elif self.exported is not None:
            self.name_or_path = self.exported.name
            require_exact(precision, network=self.name_or_path)
            foreign = cached_exported(self.exported, None, _concrete(device), threads)
            self.digest, self.classes, self.domain = foreign.digest, foreign.classes, foreign.domain
            self.seen_events = foreign.seen_events
        else:
            path = Path(str(name_or_path))
            self.name_or_path = str(path.resolve()) if path.exists() else str(name_or_path)
            loaded = cached_tagger(self.name_or_path, None, _concrete(device), precision)
            self.digest, self.classes, self.domain = loaded.digest, loaded.classes, loaded.encoder.domain
            self.encoder_digest = loaded.encoder.digest
            self.seen_events = seen_events(self.name_or_path)
        if discriminant is not None:
            require_one_score(self.classes, discriminant, tagger=self.name_or_path)
        known = self.domain.pt_min
        if known is None:
            known = TRAINING_PT_MIN if self.exported is None else 0.0
        self.pt_min = known if pt_min is None else pt_min

    def choose(self, lacking: Callable[[Sequence[str]], Sequence[str]], *, where: str = "the jets") -> JetTagger:
        """Settle which of the shipped taggers of its name this one is, if the name stands for several.

        It is the one with the most classes that the jets can feed, and of these the one that takes the most features.
        The first call, or :meth:`require`, does so by itself; the choice then stays, and the log says it.

        Args:
            lacking: says which of some features the jets do not have.
            where: they come from.

        Raises:
            InvalidDataError: none of them can be fed.
            ConfigError: several can, and none is better.
        """
        if not self.is_chosen:
            name = choose_shipped(self.name_or_path, lacking, where=where)
            settings = {key: getattr(self, key) for key in ("device", "precision", "threads", "puppi", "discriminant")}
            chosen = JetTagger(name, pt_min=self._asked_pt_min, **settings)
            _log.info("%s is %s, whose %d features %s has", self.name_or_path, name, len(chosen.features), where)
            self.__dict__.update(vars(chosen))
        return self

    @property
    def is_chosen(self) -> bool:
        """False as long as the name stands for several, see :meth:`choose`."""
        return "digest" in vars(self)

    def __getattr__(self, name: str) -> Any:
        if name in _SETTLED and not self.is_chosen:
            raise ConfigError(
                f"{self.name_or_path} stands for several taggers until it sees jets, and has no {name}",
                hint="name one of them (rs3l weights), or call choose",
            )
        raise AttributeError(f"a JetTagger has no {name}")

    def __repr__(self) -> str:
        if not self.is_chosen:
            return f"JetTagger({self.name_or_path!r}, device={self.device!r})"
        return f"JetTagger({self.name_or_path!r}, device={self.device!r}, digest={self.digest[:12]!r})"

    @property
    def model(self) -> JetScorer:
        """The network, from this process' cache.

        Raises:
            ConfigError: it is a file of another format, or on a server, which have scores alone.
        """
        if self.exported is not None or self.served:
            raise ConfigError(f"{self.name_or_path} gives scores alone, no embeddings")
        return cached_tagger(self.name_or_path, self.digest, _concrete(self.device), self.precision)

    @property
    def features(self) -> tuple[str, ...]:
        """Names of the features the network takes, in its order."""
        if self.served:
            return cached_served(self.name_or_path, self.digest).features
        if self.exported is not None:
            return self._foreign(self.exported).features
        if not self.is_chosen:
            return features_of_name(self.name_or_path)
        return tuple(self.model.encoder.config.features)

    def __call__(self, jets: ak.Array, candidates: ak.Array, links: ak.Array | None = None) -> ak.Array:
        """Score jets.

        Args:
            jets: records with pt, eta, phi, mass [event][jet] (GeV); with jetIdx where they were cut or sorted, see
                :func:`rs3l_gnn.inference.jet_inputs`.
            candidates: records [event][candidate] with ``links``, or [event][jet][candidate] without; fields as in
                :func:`rs3l_gnn.inference.jet_inputs`.
            links: records with jetIdx and the candidate index [event][link].

        Returns:
            Scores float32 in [0, 1], [event][jet]; records with one field for each of :attr:`classes` where there are
            three or more of them and no discriminant.

        Raises:
            MissingBranchError: a field is absent, or the network needs a feature that the format lacks.
            InvalidDataError: a value is not usable.
        """
        inputs = self._inputs(jets, candidates, links)
        scores = self.score(inputs)
        if scores.ndim == 1:
            return inputs.jagged(scores)
        return ak.zip({name: inputs.jagged(scores[:, place]) for place, name in enumerate(self.classes)})

    def embed(self, jets: ak.Array, candidates: ak.Array, links: ak.Array | None = None) -> ak.Array:
        """Embeddings of the jets, float32 [event][jet][dim]; arguments as for a call."""
        inputs = self._inputs(jets, candidates, links)
        return inputs.jagged(self.embeddings(inputs))

    def _inputs(self, jets: ak.Array, candidates: ak.Array, links: ak.Array | None) -> JetInputs:
        form, fields = format_of_candidates(candidates), ak.fields(candidates)
        self.choose(lambda names: lacking_features(form, names, fields), where=f"the candidates ({form.title})")
        return jet_inputs(jets, candidates, links, puppi=self.puppi, features=with_paper(self.features))

    def in_range(self, pt: ak.Array | NDArray[np.floating]) -> Any:
        """True for jets in the range of pT (GeV) that the network was trained on, shaped like ``pt``; NaN is outside.

        Scores of other jets are given all the same, but nobody has tested what they mean.
        """
        most = self.domain.pt_max
        return pt >= self.pt_min if most is None else (pt >= self.pt_min) & (pt <= most)

    def score(self, inputs: JetInputs) -> NDArray[np.float32]:
        """Scores of prepared jets, float32 [n_jets]; [n_jets, n_classes] for several classes without a discriminant."""
        return self.combined(self.class_scores(inputs))

    def class_scores(self, inputs: JetInputs, *, shared: LastEmbeddings | None = None) -> NDArray[np.float32]:
        """What the network itself gives, float32 [n_jets], or [n_jets, n_classes] whatever the discriminant.

        Args:
            inputs: the jets.
            shared: of these very jets, among taggers that may have one encoder.
        """
        self.choose(inputs.lacking)
        return self._run(partial(self._score, shared), inputs)

    def combined(self, scores: NDArray[np.float32]) -> NDArray[np.float32]:
        """:meth:`score` from :meth:`class_scores`: several discriminants need the network once."""
        if len(self.classes) == 1 or self.discriminant is None:
            return scores
        return one_score(scores, self.classes, self.discriminant, tagger=self.name_or_path)

    def embeddings(self, inputs: JetInputs, *, shared: LastEmbeddings | None = None) -> NDArray[np.float32]:
        """Embeddings of prepared jets, float32 [n_jets, dim], not normalised; arguments as for :meth:`class_scores`."""
        model = self.choose(inputs.lacking).model
        return self._run(partial(self._embed, model, shared), inputs)

    def seen(self, sample: str, event: ArrayLike) -> NDArray[np.bool_]:
        """True for the events that the network was trained on, as far as its checkpoint says [n].

        Args:
            sample: name of the sample that the events belong to.
            event: event numbers [n].

        Raises:
            CheckpointError: its record is damaged.
        """
        from rs3l_gnn.conventions.seen_events import seen_by

        return seen_by(self.seen_events, sample, event, where=self.name_or_path)

    def require(self, domain: JetDomain, *, where: str = "the events") -> tuple[str, ...]:
        """Refuse jets that lack what the network takes; say once in a process how else they differ from its training.

        Args:
            domain: what is known of the jets.
            where: they come from.

        Returns:
            The differences, a sentence each.

        Raises:
            InvalidDataError: names the features.
        """
        lacking = domain.lacking(self.choose(domain.lacking, where=where).features)
        if lacking:
            raise InvalidDataError(
                f"the tagger {self.name_or_path} needs {', '.join(lacking)}, which the format of {where} does not have",
                hint=_instead(domain),
            )
        remarks = tuple(f"{self.name_or_path}: {clause}" for clause in domain.strange(self.domain))
        for remark in remarks:
            if remark not in _said:
                _said.add(remark)
                _log.warning("%s (first in %s)", remark, where)
        return remarks

    def _score(self, shared: LastEmbeddings | None, inputs: JetInputs) -> NDArray[np.float32]:
        if self.served:
            distant = cached_served(self.name_or_path, self.digest)
            sent = sent_features(distant.features, inputs.names)
            return distant.score(inputs.table(sent), inputs.offsets, sent)
        if self.exported is None:
            model = self.model
            return model.score_embeddings(self._embed(model, shared, inputs))
        if inputs.axes is None:
            raise InvalidDataError(f"{self.name_or_path} needs eta and phi of the jets, which these inputs lack")
        network = self._foreign(self.exported)
        return network.score(inputs.table(network.inputs), inputs.offsets, inputs.axes)

    def _embed(self, model: JetScorer, shared: LastEmbeddings | None, inputs: JetInputs) -> NDArray[np.float32]:
        def embed() -> NDArray[np.float32]:
            return model.encoder.embed(inputs.table(model.encoder.config.features), inputs.offsets)

        return embed() if shared is None else shared.of((self.encoder_digest, _concrete(self.device)), embed)

    def _foreign(self, exported: ExportedNetwork) -> ExportedTagger:
        return cached_exported(exported, self.digest, _concrete(self.device), self.threads)

    def _run(self, function: Callable[[JetInputs], NDArray[np.float32]], inputs: JetInputs) -> NDArray[np.float32]:
        self.require(inputs.domain)
        with limited_threads(self.threads):
            return function(inputs)


def _instead(domain: JetDomain) -> str:
    """Shipped taggers that jets of a kind can feed."""
    fed = [one.name for one in shipped_networks() if one.kind == "tagger" and not domain.lacking(one.features)]
    return f"use a tagger that was trained without them{', such as ' + ', '.join(fed) if fed else ''}"


def _resolved(exported: ExportedNetwork) -> ExportedNetwork:
    """With absolute paths, for workers that run elsewhere."""
    paths = {name: path.resolve() for name in ("file", "preprocess") if (path := getattr(exported, name)) is not None}
    return exported.model_copy(update=paths)


def _concrete(device: str) -> str:
    if device != "auto":
        return device
    with needs_extra("a GPU", "training"):
        import torch
    return "cuda:0" if torch.cuda.is_available() else "cpu"
