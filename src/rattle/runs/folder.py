"""Name every file of a run folder: what a training was given, how it went, what came out.

OUT/
├── fan_id_00.rattle          the bundle, there when the training is complete
└── fan_id_00/
    ├── recipe.toml           every number of the run, to train by again
    ├── environment.json      versions, machine, threads, seed
    ├── clips.csv             the manifest it was given; of an adaptation with the new clips
    ├── outliers.csv          the outliers it was given, where it was given any
    ├── metrics.jsonl         a line an iteration
    ├── tensorboard/          the same for TensorBoard, where it was asked for
    ├── mlflow.json           which run of MLflow's it is, where that was asked for
    ├── checkpoint.safetensors       the state to go on from, until the bundle is there
    ├── sibling-1.json               what a sibling said of the clips it held out, until then
    ├── sibling-2.safetensors        the state of one that is not done
    ├── sibling-2.jsonl              its steps, as metrics.jsonl has the training's
    ├── outcome.json          of a task of an experiment: every test clip's windows
    ├── embeddings.safetensors       and an embedding for each, where the model has any
    └── scored-0123456789abcdef/     the last two again, left by the report of another run:
                                     the start of the bundle's hash

While many machines are trained at once, OUT/.fleet-training/ is their common run folder; it goes
when all their bundles are there, and each machine has a folder as above.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from rattle.bundle.file import SUFFIX
from rattle.clips.machine import Machine, twins
from rattle.errors import TrainingError

RECIPE, ENVIRONMENT = "recipe.toml", "environment.json"
METRICS, OUTCOME = "metrics.jsonl", "outcome.json"
# The run folder of many machines that are trained at once, until they are.
FLEET = ".fleet-training"
# Any of these makes a folder a run folder. A recipe alone does not: an experiment's folder has one.
MARKS = frozenset({ENVIRONMENT, METRICS, OUTCOME})
# So much of a bundle's hash tells a folder of scores from those of another bundle.
HASH_CHARACTERS = 16


@dataclass(frozen=True)
class RunFolder:
    """One run's folder at ``path``, and the bundle beside it; nothing need be there."""

    path: Path

    @classmethod
    def of(cls, out: Path, machine: Machine) -> RunFolder:
        """Choose the folder under ``out`` for a run of the machine."""
        return cls(out / machine.slug)

    @classmethod
    def beside(cls, bundle: Path) -> RunFolder:
        """Find the folder of the run that made a bundle."""
        return cls(bundle.with_suffix(""))

    def scored(self, bundle_hash: str) -> RunFolder:
        """Choose the folder for what that bundle says of test clips.

        It is the bundle's own: what another model scored in its place is not taken for this one's,
        and an experiment never takes it for the outcome of a task.
        """
        return RunFolder(self.path / f"scored-{bundle_hash[:HASH_CHARACTERS]}")

    @property
    def bundle(self) -> Path:
        return self.path.with_name(self.path.name + SUFFIX)

    @property
    def recipe(self) -> Path:
        return self.path / RECIPE

    @property
    def environment(self) -> Path:
        return self.path / ENVIRONMENT

    @property
    def clips(self) -> Path:
        return self.path / "clips.csv"

    @property
    def outliers(self) -> Path:
        return self.path / "outliers.csv"

    @property
    def metrics(self) -> Path:
        return self.path / METRICS

    @property
    def tensorboard(self) -> Path:
        return self.path / "tensorboard"

    @property
    def mlflow(self) -> Path:
        return self.path / "mlflow.json"

    @property
    def checkpoint(self) -> Path:
        return self.path / "checkpoint.safetensors"

    @property
    def outcome(self) -> Path:
        return self.path / OUTCOME

    @property
    def embeddings(self) -> Path:
        return self.path / "embeddings.safetensors"


def refuse_twins(machines: Sequence[Machine]) -> None:
    """Raise ``TrainingError`` where two machines' bundles would have the same name."""
    for first, second in twins(machines):
        raise TrainingError(
            f"the bundles of {first} and {second} would have the same name, "
            f"{second.slug}{SUFFIX}; rename one of the machines, or train each to a folder "
            "of its own"
        )


def bundle_path(out: Path, machine: Machine) -> Path:
    """Choose where a run under ``out`` puts the machine's bundle."""
    return RunFolder.of(out, machine).bundle
