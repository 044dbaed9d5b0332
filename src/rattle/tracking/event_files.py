"""Write TensorBoard's event files (extra ``tensorboard``)."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from torch.utils.tensorboard import SummaryWriter

from rattle.tracking.tracker import Parameter, losses

if TYPE_CHECKING:
    from rattle.learning.train import Step

# A killed run loses as much of its curves.
FLUSH_EVERY_S = 10


class EventFiles:
    """Writes a run's curves and numbers to ``folder``, the log directory that TensorBoard shows."""

    def __init__(self, folder: Path, parameters: Mapping[str, Parameter]) -> None:
        self._folder, self._parameters = folder, dict(parameters)
        self._writer: SummaryWriter | None = None

    def step(self, step: Step) -> None:
        """See ``Tracker``."""
        if self._writer is None:
            # TensorBoard hides what an earlier session wrote of these steps and later ones.
            first = step.iteration
            self._writer = SummaryWriter(self._folder, purge_step=first, flush_secs=FLUSH_EVERY_S)
            self._writer.add_text("parameters", _table(self._parameters), first)
        for name, value in losses(step).items():
            self._writer.add_scalar(name, value, step.iteration)

    def finish(self, metrics: Mapping[str, float]) -> None:
        """See ``Tracker``."""
        if self._writer is not None:
            # "." is the run's own folder; without it there would be one more run beside it.
            self._writer.add_hparams(self._parameters, dict(metrics), run_name=".")

    def close(self) -> None:
        """See ``Tracker``."""
        if self._writer is not None:
            self._writer.close()


def _table(parameters: Mapping[str, Parameter]) -> str:
    rows = (f"| {name} | {value} |" for name, value in parameters.items())
    return "\n".join(["| parameter | value |", "|---|---|", *rows])
