"""The client of a Triton server, against a small server of this file that runs the same ONNX file."""

from __future__ import annotations

import pickle
from collections.abc import Iterator
from concurrent import futures
from pathlib import Path
from typing import Any

import awkward as ak
import numpy as np
import pytest

from rs3l_gnn.conventions import CheckpointError, ConfigError, InvalidDataError, ServerError
from rs3l_gnn.inference import JetTagger, event_inputs
from rs3l_gnn.inference.triton import TritonAddress

grpc = pytest.importorskip("grpc")
service_pb2 = pytest.importorskip("tritonclient.grpc.service_pb2")
text_format = pytest.importorskip("google.protobuf.text_format")
service_pb2_grpc = pytest.importorskip("tritonclient.grpc.service_pb2_grpc")
pytest.importorskip("onnxscript")

_Servicer: Any = service_pb2_grpc.GRPCInferenceServiceServicer
_TYPES = {"FP32": np.float32, "BOOL": np.bool_}


class Server(_Servicer):  # type: ignore[misc]  # generated code, without types
    """KServe v2 as far as the client uses it: the configuration of a model, and its answers."""

    def __init__(self, repository: Path) -> None:
        self.repository = repository
        self.failures: list[Any] = []  # status codes with which the next requests end
        self.lengths: list[int] = []
        self._sessions: dict[str, Any] = {}

    def ModelConfig(self, request: Any, context: Any) -> Any:  # noqa: N802  # the protocol's name
        self._fail(context)
        path = self.repository / request.name / "config.pbtxt"
        if not path.exists():
            context.abort(grpc.StatusCode.NOT_FOUND, f"unknown model {request.name}")
        answer = service_pb2.ModelConfigResponse()
        text_format.Parse(path.read_text(), answer.config)
        return answer

    def ModelInfer(self, request: Any, context: Any) -> Any:  # noqa: N802  # as above
        import onnxruntime

        self._fail(context)
        path = self.repository / request.model_name / "1" / "model.onnx"
        session = self._sessions.setdefault(request.model_name, onnxruntime.InferenceSession(str(path)))
        arrays = {
            entry.name: np.frombuffer(raw, _TYPES[entry.datatype]).reshape(tuple(entry.shape))
            for entry, raw in zip(request.inputs, request.raw_input_contents, strict=True)
        }
        self.lengths.append(arrays["valid"].shape[1])
        found = session.run(None, arrays)[0]
        answer = service_pb2.ModelInferResponse(model_name=request.model_name)
        answer.outputs.add(name="score", datatype="FP32", shape=found.shape)
        answer.raw_output_contents.append(found.astype(np.float32).tobytes())
        return answer

    def _fail(self, context: Any) -> None:
        if self.failures:
            context.abort(self.failures.pop(0), "as the test asked")


@pytest.fixture(scope="module")
def served(triton_repository: Path) -> Iterator[tuple[str, Server]]:
    servicer = Server(triton_repository)
    server = grpc.server(futures.ThreadPoolExecutor(max_workers=2))
    service_pb2_grpc.add_GRPCInferenceServiceServicer_to_server(servicer, server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    yield f"triton://127.0.0.1:{port}", servicer
    server.stop(None).wait()


@pytest.fixture(scope="module")
def events(toy_directory: Path) -> Any:
    from coffea.nanoevents import NanoEventsFactory

    from rs3l_gnn.processors import JetSchema

    path = toy_directory / "hbb" / "nominal_0000.root"
    return NanoEventsFactory.from_root({str(path): "Events"}, schemaclass=JetSchema, mode="eager").events()


def test_scores_are_those_of_the_file(served: tuple[str, Server], events: Any, tagger_path: Path) -> None:
    address, server = served
    distant, near = JetTagger(f"{address}/hbb"), JetTagger(tagger_path)
    assert (distant.digest, distant.classes, distant.features) == (near.digest, near.classes, near.features)
    inputs = event_inputs(events)
    scores = distant.score(inputs)
    assert scores.dtype == np.float32
    assert np.abs(scores - near.score(inputs)).max() < 5e-5
    assert np.ptp(scores) > 1e-3
    assert {length % 32 for length in server.lengths} == {0}  # few lengths, so that requests can be batched
    nested = distant(events.FatJet, events.PFCands, events.FatJetPFCands)
    assert ak.num(nested).to_list() == ak.num(events.FatJet.pt).to_list()
    again = pickle.loads(pickle.dumps(distant))  # noqa: S301  # our own object
    assert np.array_equal(again.score(inputs), scores)
    with pytest.raises(ConfigError, match="scores alone"):
        distant.embeddings(inputs)


def test_a_network_of_other_features(served: tuple[str, Server], events: Any, nano_path: Path) -> None:
    """Jets with the paper's 15 features, with the 13 of the network, and with the 13 and another one."""
    address, _ = served
    distant, near = JetTagger(f"{address}/nano"), JetTagger(nano_path)
    assert len(distant.features) == 13
    assert distant.features == near.features
    scores = near.score(event_inputs(events))
    assert np.ptp(scores) > 1e-3
    for features in (None, ["nano"], ["puppi_weight", "nano"]):
        inputs = event_inputs(events) if features is None else event_inputs(events, features=features)
        assert np.abs(distant.score(inputs) - scores).max() < 5e-5
    # One that does take them is not given zeros.
    with pytest.raises(InvalidDataError, match="do not hold tanh_d0, tanh_dz"):
        JetTagger(f"{address}/hbb").score(event_inputs(events, features=["nano"]))


def test_a_request_is_tried_again(served: tuple[str, Server], events: Any) -> None:
    address, server = served
    tagger = JetTagger(f"{address}/hbb?retries=2&timeout=20")
    expected = tagger.score(event_inputs(events))
    server.failures[:] = [grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.RESOURCE_EXHAUSTED]
    assert np.array_equal(tagger.score(event_inputs(events)), expected)
    server.failures[:] = [grpc.StatusCode.UNAVAILABLE] * 3
    with pytest.raises(ServerError, match=r"does not answer: UNAVAILABLE.*as the test asked"):
        tagger.score(event_inputs(events))
    server.failures[:] = [grpc.StatusCode.INVALID_ARGUMENT]
    with pytest.raises(ServerError, match="INVALID_ARGUMENT"):  # at once: it would be wrong again
        tagger.score(event_inputs(events))
    assert server.failures == []


def test_other_weights_under_the_same_name_are_refused(
    served: tuple[str, Server], make_tagger: Any, tagger_path: Path
) -> None:
    from rs3l_gnn.inference.cache import cached_served

    address, _ = served
    with pytest.raises(CheckpointError, match="not the network that this job was prepared with"):
        cached_served(f"{address}/hbb", "0" * 64)


def test_servers_and_models_that_are_not_there(served: tuple[str, Server]) -> None:
    address, _ = served
    with pytest.raises(ServerError, match="NOT_FOUND.*unknown model nobody"):
        JetTagger(f"{address}/nobody")
    with pytest.raises(CheckpointError, match="does not say what it takes"):
        JetTagger(f"{address}/bare")
    with pytest.raises(ServerError, match="see that the server runs"):
        JetTagger("triton://127.0.0.1:1/hbb?retries=0&timeout=5")


@pytest.mark.parametrize(
    "text",
    [
        "triton://host/model",
        "triton://host:1/",
        "triton://h:1/m?timeout=0",
        "triton://h:1/m?patience=3",
        "triton://h:1/m/x",
    ],
)
def test_addresses_that_are_none(text: str) -> None:
    with pytest.raises(ConfigError, match=r"triton://host:port/model"):
        TritonAddress.parse(text)


def test_an_address_with_everything() -> None:
    found = TritonAddress.parse("triton://[::1]:8001/hbb/3?timeout=2.5&retries=0")
    assert found == TritonAddress("[::1]:8001", "hbb", "3", 2.5, 0)
