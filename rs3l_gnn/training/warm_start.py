"""The encoder that a training goes on from."""

from __future__ import annotations

import logging

from rs3l_gnn.conventions import CheckpointError
from rs3l_gnn.models import Encoder, EncoderConfig, load_encoder

__all__ = ["loaded_encoder"]

_log = logging.getLogger(__name__)


def loaded_encoder(weights: str, architecture: EncoderConfig | None, *, key: str) -> Encoder:
    """The encoder of a checkpoint, all of its tensors.

    Args:
        weights: shipped ones by name, or a file.
        architecture: what it has to be; None takes what it is.
        key: of the configuration that gives ``architecture``, for the message.

    Raises:
        CheckpointError: it cannot be loaded, or is another network.
    """
    encoder = load_encoder(weights)
    wanted = {} if architecture is None else architecture.model_dump()
    found = encoder.config.model_dump()
    for name, value in found.items() if wanted else ():
        if wanted.get(name) != value:
            optional = key == "architecture"
            raise CheckpointError(
                f"{key}.{name} of the configuration contradicts the encoder {weights}",
                got=wanted.get(name),
                allowed=str(value),
                hint="leave architecture out to take the encoder's own" if optional else f"give the weights' own {key}",
            )
    _log.info("encoder: %s, all %d tensors loaded", weights, len(encoder.state_dict()))
    return encoder
