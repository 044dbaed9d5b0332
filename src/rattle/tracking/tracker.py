"""Choose a tracker, which takes down the curves of a run."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol

from rattle.errors import RattleError

if TYPE_CHECKING:
    from rattle.learning.train import Step

TrackerName = Literal["tensorboard", "mlflow"]
Parameter = bool | int | float | str


class Tracker(Protocol):
    """Takes down one run, from its first step on; a run that never gets there leaves nothing.

    A run that is resumed goes on in the same place, and a step that is done again counts once.
    """

    def step(self, step: Step) -> None:
        """Take down one more iteration."""

    def finish(self, metrics: Mapping[str, float]) -> None:
        """Take down that the run is complete; ``metrics`` are what it came to."""

    def close(self) -> None:
        """Write what waits, whether the run is complete or not."""


class Untracked:
    """Takes nothing down."""

    def step(self, step: Step) -> None: ...

    def finish(self, metrics: Mapping[str, float]) -> None: ...

    def close(self) -> None: ...


def open_tracker(
    name: TrackerName | None,
    title: str,
    parameters: Mapping[str, Parameter],
    *,
    tensorboard: Path,
    mlflow: Path,
) -> Tracker:
    """Open the tracker of that name for a run; without a name one that does nothing.

    ``title`` and ``parameters`` tell people what run it is. ``tensorboard`` is the folder for
    TensorBoard's event files, ``mlflow`` the file that says which of MLflow's runs it is. Raises
    ``RattleError`` where the extra is not installed.
    """
    try:
        if name == "tensorboard":
            from rattle.tracking.event_files import EventFiles

            return EventFiles(tensorboard, parameters)
        if name == "mlflow":
            from rattle.tracking.mlflow_run import MlflowRun

            return MlflowRun(mlflow, title, parameters)
    except ImportError as error:
        raise RattleError(
            f"{name} takes more than is installed ({error}): pip install 'rattle[{name}]'",
            argument="track",
        ) from None
    return Untracked()


def losses(step: Step) -> dict[str, float]:
    """Name the parts of the loss that a step has."""
    parts = {"loss": step.loss, "bce": step.bce, "metric": step.metric}
    return {name: value for name, value in parts.items() if value is not None}


def flat(values: Mapping[str, Any], prefix: str = "") -> dict[str, Parameter]:
    """Put nested values on one level, as ``training.iterations``; lists and None become text."""
    flattened: dict[str, Parameter] = {}
    for name, value in values.items():
        if isinstance(value, Mapping):
            flattened |= flat(value, f"{prefix}{name}.")
        else:
            flattened[prefix + name] = value if isinstance(value, Parameter) else str(value)
    return flattened
