"""``rattle station-worker``: train encoders for stations, here or on another machine."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

DEFAULT = "http://127.0.0.1:8765"


def station_worker(
    *,
    station: Annotated[list[str], Parameter(consume_multiple=True)] = [],  # noqa: B006
    token: str | None = None,
    data: Path | None = None,
    threads: int | None = None,
    ray: str | None = None,
    device: str = "auto",
) -> int:
    """Train encoders for stations, until Ctrl-C or SIGTERM.

    Where people say what incidents were, a station asks for the machine's encoder to be trained on
    with that (docs/explanation/learning.md). A worker asks for such trainings, here or on another
    machine, fetches the sound over the station's API and sends the bundle back. It takes torch
    (rattle[train]); several may run side by side, and one that is killed costs nothing but time.

    Parameters
    ----------
    station
        Address of the station's page, or several, asked in turn; by default
        http://127.0.0.1:8765.
    token
        Token of an account of the role worker, as env:NAME, the variable that holds it; a station
        without accounts takes none, from its own machine.
    data
        Recordings that bundles were trained on, as for rattle train: a folder or a CSV file. By
        default the replay set of a bundle stands for them.
    threads
        Threads of a training; by default as many as torch likes, on a cluster 1.
    ray
        auto or the address of a Ray cluster whose nodes do the trainings, as many at a time as
        they have CPUs (or GPUs) for; for large fleets. Each node has to reach the stations, and to
        have DATA.
    device
        auto, cpu, cuda or cuda:N.
    """
    import logging
    import os
    import secrets
    import signal
    import socket
    from functools import partial
    from threading import Event

    from rattle.clips.layouts import load_manifest
    from rattle.errors import DataError
    from rattle.grid.cluster import RayWorkers
    from rattle.grid.local import limit_threads
    from rattle.learning.device import place
    from rattle.worker.on_nodes import Trainings, spread
    from rattle.worker.rounds import rounds
    from rattle.worker.station import Station
    from rattle.worker.work import Means, remove_abandoned

    addresses = [_address(each) for each in station or [DEFAULT]]
    secret = None if token is None else _secret(token)
    if threads is not None and threads < 1:
        raise DataError(f"--threads is 1 or more; {threads} was given")
    if ray is None:  # a cluster's nodes have devices of their own
        place(device)  # an unknown one is said now
    means = Means(device, None if data is None else load_manifest(data.absolute()))
    remove_abandoned()
    # Who listens on the same machine comes first.
    os.nice(10)
    logging.getLogger("rattle").setLevel(logging.INFO)
    stop = Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    name = f"{socket.gethostname()}:{os.getpid()}-{secrets.token_hex(2)}"
    opened = [partial(Station, each, name, secret) for each in addresses]
    asks = f"worker {name} asks {', '.join(addresses)} for trainings"
    if ray is None:
        if threads is not None:
            limit_threads(threads)
        print(f"{asks}; Ctrl-C ends it.", flush=True)
        rounds(opened, means, stop)
        return 0
    with RayWorkers(Trainings(name, secret, means), ray, threads=threads or 1) as nodes:
        print(f"{asks}, {nodes.count} at a time on a cluster; Ctrl-C ends it.", flush=True)
        spread(opened, nodes, stop)
    return 0


def _address(text: str) -> str:
    from urllib.parse import urlsplit

    from rattle.errors import DataError

    parts = urlsplit(text)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise DataError(f"{text!r} is no address of a station; expected one such as {DEFAULT}")
    return text


def _secret(token: str) -> str:
    import os

    from rattle.errors import DataError

    name = token.removeprefix("env:")
    if name == token or not name:
        raise DataError(
            "a token on the command line can be read by everyone on the machine; put it into an "
            "environment variable and give --token env:NAME"
        )
    secret = os.environ.get(name, "").strip()
    if not secret:
        raise DataError(f"the environment variable {name} is not set; it is to hold the token")
    return secret
