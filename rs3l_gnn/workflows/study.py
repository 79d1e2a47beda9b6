"""Many steps of the chain from one file: simulations, trainings with several seeds, evaluations, fits; resumable."""

from __future__ import annotations

import contextlib
import fnmatch
import json
import logging
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, NonNegativeInt

from rs3l_gnn.configs import config_path
from rs3l_gnn.conventions import BaseConfig, ConfigError, OutputError
from rs3l_gnn.conventions.yaml_text import parse_yaml
from rs3l_gnn.data import PairConfig
from rs3l_gnn.evaluation import EvaluateConfig
from rs3l_gnn.fits import FitConfig
from rs3l_gnn.processors import AnalysisConfig
from rs3l_gnn.simulation import SimulationConfig
from rs3l_gnn.simulation.summary import SUMMARY_FILE
from rs3l_gnn.training import FinetuneConfig, PretrainConfig
from rs3l_gnn.workflows.outdated import dependents, is_outdated, mark_outdated, mark_repeated
from rs3l_gnn.workflows.steps import VERBS, Step, run_steps

__all__ = ["State", "StudyConfig", "default_config", "run_study", "state_of", "steps_of"]

_log = logging.getLogger(__name__)
_SEED = "{seed}"

State = Literal["done", "missing", "changed"]


def _section(verb: str, description: str) -> Any:
    """A field of configurations by name, whose keys are those of a verb."""
    return Field(default={}, description=description, json_schema_extra={"keys": f"keys: rs3l {verb} --keys"})


class StudyConfig(BaseConfig):
    """Steps by verb and name; paths are relative to the output folder of the study.

    The output of a step is ``<verb>/<name>``, for ``pair`` with the ending ``.h5``. A training runs once for each
    seed, as ``<verb>/<name>-<seed>``, and ``{seed}`` in its paths stands for that seed. In the lists of an evaluation,
    a path with ``{seed}`` stands for the trainings of all seeds.
    """

    seeds: tuple[NonNegativeInt, ...] = Field((1, 2, 3), min_length=1, description="one training for each")
    simulate: dict[str, SimulationConfig] = _section("simulate", "hard events and their re-simulation")
    pair: dict[str, PairConfig] = _section("pair", "files of views")
    pretrain: dict[str, PretrainConfig] = _section("pretrain", "encoders")
    finetune: dict[str, FinetuneConfig] = _section("finetune", "taggers")
    evaluate: dict[str, EvaluateConfig] = _section("evaluate", "reports")
    analyze: dict[str, AnalysisConfig] = _section("analyze", "histograms")
    fit: dict[str, FitConfig] = _section("fit", "fits")


_TRAININGS = ("pretrain", "finetune")


def default_config() -> Path:
    """The configuration that comes with the package."""
    return config_path("study.yaml")


def steps_of(config: StudyConfig) -> list[Step]:
    """All steps in the order in which they run.

    Raises:
        ConfigError: a name that does not make a plain file name.
    """
    return list(_steps(config))


def _steps(config: StudyConfig) -> Iterator[Step]:
    for verb in VERBS:
        section: dict[str, BaseConfig] = getattr(config, verb)
        for name, step in section.items():
            if not name.replace("_", "").replace("-", "").isalnum():
                raise ConfigError(f"the name of a step holds letters, digits, - and _ only, got {verb}.{name}")
            document = step.model_dump(mode="json")
            if verb in _TRAININGS:
                for seed in config.seeds:
                    changed = {**_with_seed(document, seed), "seed": seed}
                    yield Step(verb, f"{name}-{seed}", type(step).model_validate(changed))
            else:
                expanded = _with_all_seeds(document, config.seeds) if verb == "evaluate" else document
                yield Step(verb, name, type(step).model_validate(expanded))


def _with_seed(node: Any, seed: int) -> Any:
    if isinstance(node, dict):
        return {key: _with_seed(value, seed) for key, value in node.items()}
    if isinstance(node, list):
        return [_with_seed(value, seed) for value in node]
    return node.replace(_SEED, str(seed)) if isinstance(node, str) else node


def _with_all_seeds(node: Any, seeds: Sequence[int]) -> Any:
    if isinstance(node, dict):
        return {key: _with_all_seeds(value, seeds) for key, value in node.items()}
    if isinstance(node, list):
        expanded: list[Any] = []
        for value in node:
            several = _with_all_seeds(value, seeds)
            expanded += several if isinstance(value, str) and _SEED in value else [several]
        return expanded
    if isinstance(node, str) and _SEED in node:
        return [node.replace(_SEED, str(seed)) for seed in seeds]
    return node


def state_of(step: Step, folder: Path) -> State:
    """Whether the output of a step is there, whole, of these settings, and of the inputs that are there.

    Settings that an older version did not know count as their defaults.
    """
    output = folder / step.output
    if isinstance(step.config, SimulationConfig):
        wanted = step.config.without_place()
        if not all((output / sample / SUMMARY_FILE).exists() for sample in wanted.samples):
            return "missing"
        found = [_saved(step, output / sample / "config.yaml") for sample in wanted.samples]
        return "done" if all(config == wanted for config in found) and not is_outdated(step, folder) else "changed"
    if not output.exists():
        return "missing"
    if is_outdated(step, folder):
        return "changed"
    record = output.with_suffix(".report.json") if step.verb == "pair" else output / "config.yaml"
    return "done" if _saved(step, record) == step.config else "changed"


def _saved(step: Step, path: Path) -> BaseConfig | None:
    try:
        text = path.read_text(encoding="utf-8")
        document = json.loads(text)["config"] if path.suffix == ".json" else parse_yaml(text)
        return type(step.config).model_validate(document)
    except (OSError, ValueError, KeyError, ConfigError):
        return None


def run_study(
    config: StudyConfig, output: Path | str, *, only: Sequence[str] = (), workers: int = 1, force: bool = False
) -> list[tuple[Step, float]]:
    """Run the steps that are not done yet.

    A step that was interrupted goes on where it stopped; the steps before it are not repeated. While it runs, the
    working directory of the process is ``output``, so that the paths in every configuration, and in what the steps
    write down, are relative to it.

    Args:
        config: the steps.
        output: folder of the study.
        only: patterns (``finetune/hbb-*``) of the steps to run; all if empty.
        workers: steps at once, which share the cores; but for trainings and evaluations, one at a time.
        force: repeat steps whose output has other settings. What was made from it is repeated as well, or, if it is
            not among the steps to run, has to be the next time.

    Returns:
        The steps that ran, with their seconds.

    Raises:
        ConfigError: a pattern that fits no step.
        OutputError: the output of a step has other settings or is older than what it reads, and ``force`` is False;
            nothing was run.
        Rs3lError: whatever a step raises; the finished ones stay.
    """
    output = Path(output)
    steps = steps_of(config)
    for pattern in only:
        if not any(fnmatch.fnmatchcase(step.key, pattern) for step in steps):
            raise ConfigError("no step of the study fits the pattern", got=pattern, allowed=[s.key for s in steps])
    chosen = [step for step in steps if not only or any(fnmatch.fnmatchcase(step.key, pattern) for pattern in only)]
    states = {step.key: state_of(step, output) for step in chosen}
    changed = [key for key, state in states.items() if state == "changed"]
    if changed and not force:
        raise OutputError(
            f"{', '.join(changed)} in {output} came from other settings, or from inputs that were made anew since",
            hint="choose another output, or pass --force to repeat these steps",
        )
    later = dependents(steps, changed)
    states |= {step.key: "changed" for step in chosen if step in later and states[step.key] == "done"}
    todo = [step for step in chosen if states[step.key] != "done"]
    _log.info("study: %d of %d steps are done", len(chosen) - len(todo), len(chosen))
    is_new = not output.exists()
    try:
        output.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"cannot make the folder {output}: {error.strerror}") from error
    try:
        with contextlib.chdir(output):
            replace = [step for step in todo if states[step.key] == "changed"]
            return list(_run(todo, replace, later, workers))
    finally:
        if is_new:
            with contextlib.suppress(OSError):  # something was written there, as it should
                output.rmdir()


def _run(
    todo: Sequence[Step], replace: Sequence[Step], later: Sequence[Step], workers: int
) -> Iterator[tuple[Step, float]]:
    here = Path()
    for step in later:
        mark_outdated(step, here)
    left = [step.key for step in later if is_outdated(step, here) and step not in todo]
    if left:
        _log.warning("study: %s came from outputs that are made anew now; repeat them with --force", ", ".join(left))
    for step, seconds in run_steps(todo, replace=replace, workers=workers):
        mark_repeated(step, here)
        yield step, seconds
