"""All measurements of speed, one after another, and one table of them."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

from rs3l_gnn.benchmarks.alone import alone
from rs3l_gnn.benchmarks.page import markdown
from rs3l_gnn.conventions import MissingDependencyError

__all__ = ["RATES", "measure_all", "table"]


def measure_all(measures: Mapping[str, Callable[[], dict[str, Any]]]) -> dict[str, Any]:
    """Measure one after another, each in a process of its own, so that none sees threads or memory of the one before.

    Args:
        measures: functions of modules, by name.

    Returns:
        What each returns, by its name, with ``load_average`` of the machine before; ``not_run``, the reason, for one
        whose packages are not installed.
    """
    return {name: _measured(measure) for name, measure in measures.items()}


def _measured(measure: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    load = os.getloadavg()[0]
    try:
        return {**alone(measure), "load_average": load}
    except MissingDependencyError as error:
        return {"not_run": str(error)}


class _Row(NamedTuple):
    """A line of the table; ``ratio`` is the rate over that of the reference."""

    what: str
    rate: str
    reference: str = ""
    ratio: float | None = None


def table(numbers: Mapping[str, Mapping[str, Any]]) -> str:
    """What :func:`measure_all` returns as a table in Markdown: rates, the references of the same run, and ratios."""
    lines: list[list[str]] = [["What", "Rate", "Reference", "Ratio", "`rs3l benchmark`"]]
    for name, found in numbers.items():
        if "not_run" in found:
            lines.append([f"not run: {found['not_run']}", "", "", "", f"`{name}`"])
            continue
        rows = _ROWS[name](found)
        lines.extend([row.what, row.rate, row.reference, _ratio(row.ratio), f"`{name}`"] for row in rows)
    return markdown(lines)


def _ratio(ratio: float | None) -> str:
    if ratio is None:
        return ""
    return f"{ratio:.2f}" if ratio < 3 else f"{ratio:.1f}" if ratio < 20 else f"{ratio:.0f}"


def _per_second(rate: float, what: str = "jets") -> str:
    return f"{rate:,.0f} {what}/s"


def _encoder(found: Mapping[str, Any]) -> Iterator[_Row]:
    threads = f"{found['threads']} threads" if found["threads"] > 1 else "one thread"
    for what, prefix, products in (("embedding", "", "products"), ("training step", "train_", "products of both ways")):
        rate = _per_second(found[f"{prefix}jets_per_second"])
        yield _Row(f"{what}, {threads}", rate, "torch_geometric, with edges", found[f"{prefix}speedup"])
        yield _Row(what, rate, f"its matrix {products}", found[f"{prefix}fraction_of_floor"])
    rate = _per_second(found["int16_jets_per_second"])
    yield _Row("embedding, whole numbers of 16 bits", rate, "in float32", found["int16_over_float32"])
    yield _Row("matrix product in bfloat16", "", "in float32", found["bf16_matrix_rate_over_float32"])


def _kernels(found: Mapping[str, Any]) -> Iterator[_Row]:
    rate = _per_second(found["jets_per_second"])
    yield _Row("layers in hand-written vector code", rate, "numba's own loops", 1 / found["simd_off"])


def _peers(found: Mapping[str, Any]) -> Iterator[_Row]:
    ours = {row["threads"]: row["jets_per_second"] for row in found["rows"] if row["network"] == "ours"}
    for row in found["rows"]:
        if row["network"] != "ours" and "ratio" in row:
            threads = row["threads"]
            what = f"scores, {threads} thread{'s' if threads > 1 else ''}"
            yield _Row(what, _per_second(ours[threads]), row["network"], row["ratio"])


def _simulation(found: Mapping[str, Any]) -> Iterator[_Row]:
    rate = _per_second(found["events_per_second"], "events")
    yield _Row("hard events to files, processor time", rate, "bare Pythia", found["fraction_of_reference"])
    yield _Row("with five variations of one's own", "", "bare Pythia", found["fraction_with_own_variations"])
    if found["scaling"] is not None:
        times = f"{found['scaling']:.2f} times one"
        what = f"{found['workers']} processes"
        yield _Row(what, times, "that of bare Pythia", found["scaling_over_reference"])


def _training(found: Mapping[str, Any]) -> Iterator[_Row]:
    for verb in ("pretrain", "finetune"):
        loop = found[verb]
        yield _Row(f"`{verb}`", _per_second(loop["jets_per_second"]), "bare steps", loop["fraction_of_bare"])


def _pairing(found: Mapping[str, Any]) -> Iterator[_Row]:
    decoding = "opening the files and unpacking what it reads"
    whole = found["whole"][-1]
    rate = _per_second(whole["views_per_second"], "views")
    yield _Row("`pair`, simulated files", rate, decoding, whole["fraction_of_decoding"])
    for row in found["events"][-3:]:
        what = f"`pair`, event files ({row['stored']}, written {row['compression']})"
        rate = _per_second(row["views_per_second"], "views")
        yield _Row(what, rate, decoding, row["fraction_of_decoding"])


def _analysis(found: Mapping[str, Any]) -> Iterator[_Row]:
    rate = found["jets_per_second"]
    reference = "reading, features and the bare network"
    yield _Row("processor", _per_second(rate), reference, 1 / found["processor_over_floor"])
    yield _Row("processor", _per_second(rate), "one entry and jet at a time", found["speedup_over_single"])
    for what, key in (("chunks of 200 events", "small_chunks"), ("files of 200 events", "small_files")):
        ratio = found[f"{key}_over_large"]
        rate = ratio * found["large_chunks_events_per_second"]
        yield _Row(f"`analyze`, {what}", _per_second(rate, "events"), "files of thousands in one chunk", ratio)
    rate = _per_second(found["workers_jets_per_second"])
    yield _Row(f"`analyze`, {found['workers']} Dask workers", rate, "one", found["workers_speedup"])


def _fits(found: Mapping[str, Any]) -> Iterator[_Row]:
    size = f"{found['channels']} x {found['samples']} x {found['systematics']}"
    yield _Row(f"{size} templates in all formats", f"{found['seconds_total']:.1f} s")


def _start(found: Mapping[str, Any]) -> Iterator[_Row]:
    seconds = {way: found[way]["first_score_seconds"] for way in ("light", "torch", "onnx", "never compiled")}
    what, rate = "first score of a fresh process", f"{seconds['light']:.2f} s"
    yield _Row(what, rate, f"ONNX Runtime: {seconds['onnx']:.2f} s", seconds["onnx"] / seconds["light"])
    yield _Row(
        f"{what}, with torch", f"{seconds['torch']:.2f} s", "the light part", seconds["light"] / seconds["torch"]
    )
    rate = f"{seconds['never compiled']:.2f} s"
    yield _Row(f"{what}, never compiled", rate, "compiled", seconds["light"] / seconds["never compiled"])


_ROWS: dict[str, Callable[[Mapping[str, Any]], Iterator[_Row]]] = {
    "encoder": _encoder,
    "kernels": _kernels,
    "peers": _peers,
    "simulation": _simulation,
    "training": _training,
    "pairing": _pairing,
    "analysis": _analysis,
    "fits": _fits,
    "start": _start,
}
RATES = tuple(_ROWS)
"""Names of the benchmarks of speed, as ``rs3l benchmark`` knows them."""
