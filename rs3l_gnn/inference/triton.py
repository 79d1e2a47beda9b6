"""A tagger on a Triton server: ``triton://host:port/model``, over gRPC, with time-outs and retries."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar
from urllib.parse import parse_qsl

import numpy as np
from numpy.typing import NDArray

from rs3l_gnn.conventions import (
    FEATURE_NAMES,
    CheckpointError,
    ConfigError,
    JetDomain,
    MissingDependencyError,
    ServerError,
    check_offsets,
)
from rs3l_gnn.models.triton.candidates import PARAMETER, candidates_of, padded_candidates

__all__ = ["TritonAddress", "TritonTagger"]

_ADDRESS = re.compile(r"triton://(?P<host>[^/?#]+:\d+)/(?P<model>[\w.-]+)(?:/(?P<version>\d+))?(?:\?(?P<query>.*))?")
_JETS = 256
_MULTIPLE = 32
# A server that is not there yet, is full, or took too long may answer the next time; all else stays wrong.
_PASSING = ("UNAVAILABLE", "DEADLINE_EXCEEDED", "RESOURCE_EXHAUSTED", "ABORTED")

Result = TypeVar("Result")


@dataclass(frozen=True)
class TritonAddress:
    """Where a model is served.

    Attributes:
        server: host and port of gRPC.
        model: its name there.
        version: empty for the one that the server chooses.
        timeout: seconds for one request.
        retries: further tries after a request that failed in passing, each after twice the wait of the one before.
    """

    server: str
    model: str
    version: str = ""
    timeout: float = 30.0
    retries: int = 3

    @classmethod
    def parse(cls, text: str) -> TritonAddress:
        """Read ``triton://host:port/model[/version][?timeout=30&retries=3]``.

        Raises:
            ConfigError: it reads otherwise.
        """
        form = "triton://host:port/model[/version][?timeout=SECONDS&retries=NUMBER]"
        found = _ADDRESS.fullmatch(text)
        if found is None:
            raise ConfigError("the address of a model on a server is not one", got=repr(text), allowed=form)
        query = dict(parse_qsl(found["query"] or "", keep_blank_values=True))
        try:
            timeout, retries = float(query.pop("timeout", "30")), int(query.pop("retries", "3"))
        except ValueError:
            timeout, retries = 0.0, 0
        if query or not (0 < timeout < 86_400 and 0 <= retries <= 100):
            raise ConfigError("the options of a model on a server are wrong", got=repr(text), allowed=form)
        return cls(found["host"], found["model"], found["version"] or "", timeout, retries)


class TritonTagger:
    """Scores of a network that a server runs, written there by ``rs3l export --triton``.

    Args:
        address: of the model.

    Raises:
        MissingDependencyError: tritonclient is not installed.
        ServerError: the server does not answer, or has no such model.
        CheckpointError: the model was not written by this package.

    Attributes:
        classes: names of the scores in their order.
        features: those that the network takes; the server computes them from candidates.
        domain: the kind of jets it was trained on.
        digest: content hash of the weights, as the server says it.
    """

    def __init__(self, address: TritonAddress) -> None:
        try:
            from tritonclient import grpc
        except (ImportError, RuntimeError) as error:  # the latter where its gRPC part is not there
            raise MissingDependencyError(
                "a model on a server needs tritonclient", hint="pip install 'rs3l_gnn[triton]'"
            ) from error
        self.address, self._grpc = address, grpc
        self._client = grpc.InferenceServerClient(address.server)
        config = self._ask(
            lambda: self._client.get_model_config(
                address.model, address.version, as_json=True, client_timeout=address.timeout
            )
        )["config"]
        try:
            document = json.loads(config["parameters"][PARAMETER]["string_value"])
            self.kind, self.digest = str(document["kind"]), str(document["digest"])
            self.classes = tuple(map(str, document["classes"]))
            self.features = tuple(str(feature["name"]) for feature in document["features"])
            self.domain = JetDomain.from_record(document["domain"])
        except (KeyError, TypeError, ValueError) as error:
            raise CheckpointError(
                f"{address.model} on {address.server} does not say what it takes",
                hint="write it with rs3l export MODEL --triton DIR",
            ) from error
        if self.kind != "tagger":
            raise CheckpointError(f"{address.model} on {address.server} is an {self.kind}, which gives no scores")

    def score(
        self, features: NDArray[np.floating], offsets: NDArray[np.integer], names: Sequence[str] = FEATURE_NAMES
    ) -> NDArray[np.float32]:
        """Scores of jets.

        Args:
            features: of each particle [n_particles, C].
            offsets: first particle of each jet [n_jets + 1].
            names: of the C features, as :func:`rs3l_gnn.models.triton.candidates.sent_features` gives them.

        Returns:
            In [0, 1], [n_jets] for one class, [n_jets, n_classes] for more.

        Raises:
            ServerError: a request failed, and so did its repetitions.
            CheckpointError: the server gives something else than scores.
        """
        offsets = check_offsets(offsets, len(features))
        out = np.empty((len(offsets) - 1, len(self.classes)), np.float32)
        for start in range(0, len(out), _JETS):
            cut = offsets[start : start + _JETS + 1]
            some = candidates_of(features[cut[0] : cut[-1]], cut - cut[0], names)
            out[start : start + len(cut) - 1] = self._scores(*some, cut - cut[0])
        return out[:, 0] if len(self.classes) == 1 else out

    def _scores(
        self, candidates: NDArray[np.float32], jets: NDArray[np.float32], offsets: NDArray[np.int64]
    ) -> NDArray[np.float32]:
        padded, valid = padded_candidates(candidates, offsets, _MULTIPLE)
        inputs = []
        for name, array, kind in (("candidates", padded, "FP32"), ("jets", jets, "FP32"), ("valid", valid, "BOOL")):
            entry = self._grpc.InferInput(name, list(array.shape), kind)
            entry.set_data_from_numpy(array)
            inputs.append(entry)
        address = self.address
        answer = self._ask(
            lambda: self._client.infer(
                address.model,
                inputs,
                model_version=address.version,
                outputs=[self._grpc.InferRequestedOutput("score")],
                client_timeout=address.timeout,
            )
        )
        found = answer.as_numpy("score")
        if found is None or found.shape != (len(jets), len(self.classes)):
            raise CheckpointError(
                f"{address.model} on {address.server} gives no score for each jet and class",
                got=None if found is None else found.shape,
                allowed=(len(jets), len(self.classes)),
            )
        return np.asarray(found, dtype=np.float32)

    def _ask(self, request: Callable[[], Result]) -> Result:
        from tritonclient.utils import InferenceServerException

        wait = 0.1
        for left in range(self.address.retries, -1, -1):
            try:
                return request()
            except InferenceServerException as error:
                status = str(error.status()).removeprefix("StatusCode.")
                if left and status in _PASSING:
                    time.sleep(wait)
                    wait *= 2
                    continue
                raise ServerError(
                    f"{self.address.model} on {self.address.server} does not answer: {status}, {error.message()}",
                    hint="see that the server runs and has loaded the model; more patience: ?timeout=60&retries=5",
                ) from error
        raise AssertionError  # the loop ends with an answer or an error

    def __reduce__(self) -> tuple[Any, ...]:
        return TritonTagger, (self.address,)
