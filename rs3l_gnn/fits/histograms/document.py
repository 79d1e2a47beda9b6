"""What ``histograms.json`` holds beside its histograms, checked before anything looks into it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, StrictBool, StrictStr, ValidationError

from rs3l_gnn.conventions import InputFileError

__all__ = ["check_document"]


class _Dataset(BaseModel):
    model_config = ConfigDict(extra="allow")

    xsec: Annotated[float, Field(strict=True, gt=0, allow_inf_nan=False)] | None = None


class _Document(BaseModel):
    # Only the form: what is inside a histogram is for the reader of histograms.
    model_config = ConfigDict(extra="allow")

    histograms: dict[str, Any]
    complete: StrictBool = False
    datasets: dict[str, _Dataset] = {}
    variations: dict[str, dict[str, Any]] = {}
    models: dict[str, list[StrictStr]] = {}
    paired: dict[str, Any] = {}
    replicas: dict[str, Any] | None = None


def check_document(document: dict[str, Any], path: Path) -> None:
    """Look at the form of a document of the format ``rs3l-histograms``.

    Raises:
        InputFileError: a key is missing, or holds something of another form; the message names the first.
    """
    try:
        _Document.model_validate(document)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        raise InputFileError(
            f"{path}: {place}: {first['msg'].removesuffix(' or instance of _Dataset')}", hint="run `rs3l analyze` again"
        ) from error
