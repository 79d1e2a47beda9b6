"""Each module has its tests in the file of the same name; those without are listed here with what tests them."""

from __future__ import annotations

import fnmatch
from pathlib import Path

TESTS = Path(__file__).parent
ROOT = TESTS.parent

ELSEWHERE: dict[str, tuple[str, ...]] = {
    # A verb is one library call: what it takes and how it ends is asked of all of them alike.
    "cli/test_bad_inputs.py": ("cli/*",),
    "test_extras.py": ("__main__", "verbs"),
    # Parts of one thing, behind its public function; the test goes through that.
    "data/test_feature_rows.py": ("data/formats/nanoaod",),
    "data/test_zenodo.py": ("data/download",),
    "data/test_flat_tree.py": ("data/flat_tree_config",),
    "data/event_pairing/test_pairing.py": tuple(
        f"data/event_pairing/{module}"
        for module in ("input_files", "matched_views", "particles", "report", "view_blocks")
    ),
    "data/event_pairing/test_chunk_run.py": ("data/event_pairing/indices", "data/event_pairing/sample_particles"),
    "data/event_pairing/test_view_index.py": ("data/event_pairing/file_index", "data/event_pairing/read_plan"),
    "evaluation/report/test_page.py": ("evaluation/report/*", "evaluation/origins"),
    "evaluation/test_metrics.py": ("evaluation/estimates", "evaluation/meter", "evaluation/results"),
    "evaluation/responses/test_measure.py": tuple(
        f"evaluation/responses/{module}" for module in ("config", "results", "sides")
    ),
    "evaluation/responses/test_planning.py": (
        "evaluation/figures/plan",
        "evaluation/responses/pilot",
        "evaluation/responses/plan_results",
    ),
    "evaluation/test_scoring.py": ("evaluation/domains",),
    "fits/compare/test_taggers.py": ("fits/compare/plots",),
    "fits/test_fitting.py": ("fits/result", "fits/likelihood/hypotheses"),
    "fits/templates/test_build.py": ("fits/config/*", "fits/templates/processes", "fits/templates/samples"),
    "frameworks/test_recipes.py": ("inference/lazy",),
    "inference/test_tagger.py": ("inference/cache", "inference/of_*"),
    "models/test_export.py": ("models/onnx_graph",),
    "models/triton/test_repository.py": ("models/triton/candidates", "models/triton/preprocessing"),
    "models/kernels/test_stack.py": ("models/kernels/chunk",),
    "models/kernels/test_products.py": ("models/kernels/tiles",),
    "models/test_checkpoints.py": ("models/stored",),
    "simulation/test_simulate.py": ("simulation/preparation", "simulation/summary"),
    "simulation/test_generate.py": ("simulation/processes",),
    "simulation/test_hepmc.py": ("simulation/hepmc_*",),
    "simulation/test_merged_samples.py": ("simulation/merging_config", "simulation/vetoes"),
    "training/test_pretraining.py": (
        "training/module",
        "training/outputs",
        "training/pretrain_module",
        "training/process",
    ),
    "training/test_finetuning.py": ("training/jet_batches", "training/jet_targets"),
    "training/test_collate.py": ("training/epoch_data",),
    "training/test_config.py": ("training/recipe_config",),
    "training/penalties/test_response.py": ("training/penalty", "training/penalty_registry"),
    "training/losses/test_nt_xent.py": ("training/loss_checks",),
    "processors/test_momenta.py": ("processors/random_numbers", "processors/systematics_config"),
    "processors/running/test_normalisation.py": ("processors/generated",),
    "processors/running/test_analysis.py": ("processors/running/chunk", "processors/running/metadata"),
    "processors/running/test_execution.py": ("running/executors/iterative",),
    "processors/test_cms.py": ("processors/schema", "data/formats/pfnano"),
    "processors/test_tagging.py": ("data/formats/simulated",),
    "workflows/inspection/test_describe.py": ("workflows/inspection/*",),
    "workflows/test_study.py": ("workflows/steps",),
    # Names, numbers and registries: what they hold is asked where it is chosen by name.
    "simulation/test_variation_config.py": ("conventions/tunes",),
    "evaluation/test_run.py": ("conventions/origin",),
    "conventions/test_registry.py": ("conventions/config_registry",),
    "models/test_backbone.py": ("models/backbones/*", "models/particle_encoder"),
    "training/test_plugins.py": ("training/loss", "training/loss_registry"),
    "running/test_executor_registry.py": (
        "running/config",
        "running/executor",
        "running/launcher",
        "running/launcher_registry",
        "running/launchers/*",
    ),
    # A measurement needs a machine to itself; the tests ask whether it can be made.
    "processors/test_benchmark.py": ("benchmarks/analysis",),
    "fits/test_benchmark.py": ("benchmarks/fits",),
    "benchmarks/test_pairing.py": ("benchmarks/event_pairing",),
    "faults/test_faults.py": tuple(f"benchmarks/reliability/{name}" for name in ("counts", "faults", "schedulers")),
    "benchmarks/reliability/test_fuzz.py": ("benchmarks/reliability/kinds", "benchmarks/reliability/readers"),
    # Toys are what most tests are made of.
    "test_chain_toys.py": ("benchmarks/toys",),
}


def _modules() -> list[Path]:
    """Modules with code, by the folder of their tests."""
    found = []
    for room in ("rs3l_gnn", "processors", "benchmarks"):
        base = ROOT / room if room == "rs3l_gnn" else ROOT
        found += [path.relative_to(base) for path in sorted((ROOT / room).rglob("*.py")) if path.name != "__init__.py"]
    return found


def _without_twin() -> list[str]:
    modules = [module for module in _modules() if not (TESTS / module.parent / f"test_{module.name}").is_file()]
    return [module.with_suffix("").as_posix() for module in modules]


def test_every_module_has_its_twin_or_a_place_in_the_list() -> None:
    patterns = [pattern for group in ELSEWHERE.values() for pattern in group]
    assert [name for name in _without_twin() if not any(fnmatch.fnmatchcase(name, each) for each in patterns)] == []


def test_the_list_names_what_is_there_and_nothing_else() -> None:
    assert [name for name in ELSEWHERE if not (TESTS / name).is_file()] == []
    without = _without_twin()
    unused = [each for group in ELSEWHERE.values() for each in group if not fnmatch.filter(without, each)]
    assert unused == []
