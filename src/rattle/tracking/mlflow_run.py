"""Write a run of MLflow's experiment ``rattle`` (extra ``mlflow``).

It goes where MLflow is configured to (``MLFLOW_TRACKING_URI``), by default to a database in the
working folder.
"""

from __future__ import annotations

import json
import logging
import os
import time
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from rattle.atomic import write_text
from rattle.errors import TrainingError
from rattle.tracking.tracker import Parameter, losses

# Before MLflow is imported: it reports its use to its makers unless it is told not to, and tries
# for minutes to reach a server that does not answer.
os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "3")

from mlflow import MlflowClient
from mlflow.entities import Metric, Param
from mlflow.exceptions import MlflowException

if TYPE_CHECKING:
    from rattle.learning.train import Step

EXPERIMENT = "rattle"
# A killed run loses as much of its curves.
FLUSH_EVERY_S = 10.0
# A server that does not answer is left alone for so long, so that training goes on.
RETRY_AFTER_S = 60.0
# What MLflow takes in a request.
MOST_PARAMETERS, MOST_METRICS = 100, 1000

_log = logging.getLogger(__name__)
Item = TypeVar("Item")


class MlflowRun:
    """One run; the file ``link`` says which, so that a resumed run goes on with it.

    A server that cannot be reached at the first step is a ``TrainingError``. Later it is a warning,
    and what it missed waits until it answers again: the run folder has everything in any case.
    """

    def __init__(self, link: Path, title: str, parameters: Mapping[str, Parameter]) -> None:
        self._link, self._title, self._parameters = link, title, dict(parameters)
        self._client: MlflowClient | None = None
        self._run = ""
        self._known = 0
        self._waiting: list[Metric] = []
        self._next_flush = 0.0
        self._finished = False

    def step(self, step: Step) -> None:
        """See ``Tracker``."""
        client = self._client = self._client or self._begin()
        if step.iteration > self._known:
            self._wait(losses(step), step.iteration)
        if time.monotonic() >= self._next_flush:
            self._flush(client)

    def finish(self, metrics: Mapping[str, float]) -> None:
        """See ``Tracker``."""
        if self._client is not None:
            self._wait(metrics, self._known)
            self._finished = True

    def close(self) -> None:
        """See ``Tracker``."""
        if self._client is None:
            return
        self._flush(self._client, end="FINISHED" if self._finished else "KILLED")
        if self._waiting:
            _log.warning("MLflow lacks the last %d figures of the run", len(self._waiting))

    def _begin(self) -> MlflowClient:
        try:
            client = MlflowClient()
            self._run = self._former_run(client) or self._new_run(client)
        except MlflowException as error:
            deleted = f"remove {self._link} if the run was deleted there, "
            raise TrainingError(
                f"MLflow cannot be used ({_reason(error)}); look at MLFLOW_TRACKING_URI, "
                f"{deleted if self._link.exists() else ''}or go on with the run without MLflow"
            ) from None
        return client

    def _former_run(self, client: MlflowClient) -> str:
        """Find the run that the link names and how far it came; empty where there is none."""
        if not self._link.exists():
            return ""
        link = json.loads(self._link.read_text(encoding="utf-8"))
        if link["tracking_uri"] != client.tracking_uri:
            return ""
        run: str = link["run"]
        client.update_run(run, status="RUNNING")
        self._known = max((at.step for at in client.get_metric_history(run, "loss")), default=0)
        return run

    def _new_run(self, client: MlflowClient) -> str:
        known = client.get_experiment_by_name(EXPERIMENT)
        experiment = known.experiment_id if known else client.create_experiment(EXPERIMENT)
        run: str = client.create_run(experiment, run_name=self._title).info.run_id
        for some in _batches([*self._parameters.items()], MOST_PARAMETERS):
            client.log_batch(run, params=[Param(name, str(value)) for name, value in some])
        link = {"tracking_uri": client.tracking_uri, "run": run}
        write_text(self._link, json.dumps(link, indent=1))
        return run

    def _wait(self, metrics: Mapping[str, float], iteration: int) -> None:
        now_ms = time.time_ns() // 1_000_000
        self._waiting += [Metric(name, value, now_ms, iteration) for name, value in metrics.items()]
        self._known = iteration

    def _flush(self, client: MlflowClient, end: str | None = None) -> None:
        try:
            for some in _batches([*self._waiting], MOST_METRICS):
                client.log_batch(self._run, metrics=some)
                del self._waiting[: len(some)]
            if end:
                client.set_terminated(self._run, status=end)
            self._next_flush = time.monotonic() + FLUSH_EVERY_S
        except MlflowException as error:
            _log.warning("MLflow does not take the run down: %s", _reason(error))
            self._next_flush = time.monotonic() + RETRY_AFTER_S


def _reason(error: Exception) -> str:
    return str(error).splitlines()[0]


def _batches(items: Sequence[Item], size: int) -> Iterator[list[Item]]:
    rest = iter(items)
    while some := list(islice(rest, size)):
        yield some
