"""``rs3l tag``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from rs3l_gnn.cli.app import verb
from rs3l_gnn.cli.options import AsJson, Force, Output, print_json
from rs3l_gnn.conventions import ConfigError
from rs3l_gnn.conventions.precisions import Precision

if TYPE_CHECKING:
    from rs3l_gnn.inference import FoldTagger, JetTagger
    from rs3l_gnn.models import ExportedNetwork

__all__ = ["tag"]


@verb()
def tag(
    files: Annotated[list[str], typer.Argument(metavar="FILES", help="Event files: NanoAOD, PFNano, Delphes, ...")],
    *,
    tagger: Annotated[
        list[str] | None,
        typer.Option(
            "--tagger",
            "-t",
            help="A shipped tagger by name (see rs3l weights), or a checkpoint; several are the networks of folds. "
            "[default: by the format of the files]",
        ),
    ] = None,
    sample: Annotated[
        str | None, typer.Option("--sample", help="Name of the sample, by which networks of folds know its events.")
    ] = None,
    kind: Annotated[
        Literal["onnx", "torchscript"] | None,
        typer.Option("--kind", help="The tagger is such a file; opening TorchScript runs it, as a program."),
    ] = None,
    preprocess: Annotated[
        Path | None,
        typer.Option("--preprocess", help="weaver's JSON document for it. [export.json beside the file]"),
    ] = None,
    embeddings: Annotated[bool, typer.Option("--embeddings", help="Add the embedding of each jet.")] = False,
    pt_min: Annotated[float, typer.Option("--pt-min", min=0, help="GeV; softer jets are left out.")] = 0.0,
    tree: Annotated[str | None, typer.Option("--tree", help="Name of the tree. [found]")] = None,
    puppi: Annotated[bool, typer.Option("--puppi", help="Scale candidates by their PUPPI weights.")] = False,
    device: Annotated[str, typer.Option("--device", help="auto, cpu or cuda:n.")] = "auto",
    precision: Annotated[
        Precision, typer.Option("--precision", help="int16 is faster; scores move a little.")
    ] = "float32",
    threads: Annotated[int | None, typer.Option("--threads", min=1, help="Threads of the network. [all]")] = None,
    output: Output = Path("scores.parquet"),
    force: Force = False,
    as_json: AsJson = False,
) -> None:
    """Score the jets of event files, and write one row a jet: a Parquet file, or a tree of friends in a .root file."""
    from rs3l_gnn.processors import tag_files

    settings: dict[str, Any] = {"device": device, "precision": precision, "threads": threads, "puppi": puppi}
    network = _network(tagger or ["default"], kind, preprocess, **settings)
    report = tag_files(
        files, network, output, sample=sample, tree=tree, embeddings=embeddings, pt_min=pt_min, force=force
    )
    if as_json:
        print_json(output, {key: report[key] for key in ("jets", "events", "jets_outside_training_range")})
        return
    outside = report["jets_outside_training_range"]
    typer.echo(
        f"{report['jets']} jets of {report['events']} events in {len(files)} file(s); "
        f"{outside} of them outside the range of pT that {report['tagger']['name']} was trained on"
    )
    typer.echo(f"wrote {output}")


def _network(
    taggers: list[str], kind: Literal["onnx", "torchscript"] | None, preprocess: Path | None, **settings: Any
) -> JetTagger | FoldTagger:
    from rs3l_gnn.inference import FoldTagger, JetTagger

    if len(taggers) == 1:
        return JetTagger(_tagger(taggers[0], kind, preprocess), **settings)
    if kind is not None or preprocess is not None:
        raise ConfigError("--kind and --preprocess go with one tagger", got=", ".join(taggers))
    return FoldTagger(taggers, **settings)


def _tagger(tagger: str, kind: Literal["onnx", "torchscript"] | None, preprocess: Path | None) -> str | ExportedNetwork:
    if kind is None:
        if preprocess is not None:
            raise ConfigError("--preprocess goes with --kind", got=str(preprocess))
        return tagger
    from rs3l_gnn.models import ExportedNetwork

    return ExportedNetwork(kind=kind, file=Path(tagger), preprocess=preprocess)
