"""A worker has a real Ray of this machine do the trainings; one is killed, one is ended."""

from __future__ import annotations

import os
import signal
import sys
from typing import Any

import pytest
from plant_kit import Given, say, waited_for
from worker_kit import encoder, jobs, served, worker

from made_up_cluster import Cluster
from rattle.station.plant.station import Plant

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="looks at processes in /proc")


def test_a_node_that_dies_costs_none_of_the_stations_tries(
    hissed: tuple[Plant, Given], cluster: Cluster
) -> None:
    plant, _ = hissed
    say(plant, "anomaly")
    with served(plant) as address, worker(address, ray=cluster.address) as child:
        (job,) = waited_for(lambda: [row for row in jobs(plant, "running") if row.progress > 0])
        (at_work,) = cluster.at_work()
        os.kill(at_work, signal.SIGKILL)
        row: Any = waited_for(lambda: encoder(plant))
        child.send_signal(signal.SIGTERM)
        assert child.wait(60) == 0
    (made,) = jobs(plant, "done")
    assert (made.id, made.tries, made.worker, made.release_id) == (job.id, 1, job.worker, row.id)
    assert made.log.count("fetching recordings and kept sound") == 2


def test_a_worker_that_is_ended_gives_the_job_back(
    hissed: tuple[Plant, Given], cluster: Cluster
) -> None:
    plant, _ = hissed
    say(plant, "anomaly")
    with served(plant) as address, worker(address, ray=cluster.address) as child:
        waited_for(lambda: [row for row in jobs(plant, "running") if row.progress > 0])
        child.send_signal(signal.SIGTERM)
        assert child.wait(120) == 0
        (job,) = jobs(plant, "waiting")
    assert "the worker was ended" in job.log
