"""``rattle enrol``: let a further machine join an encoder that others were trained with."""

from __future__ import annotations

import shlex
from pathlib import Path


def enrol(
    bundle: Path,
    data: Path,
    /,
    *,
    machine: str,
    out: Path | None = None,
    outliers: Path | None = None,
    seed: int = 0,
    device: str = "auto",
    resume: bool = False,
) -> int:
    """Give a further machine a detector with the encoder of a bundle, in seconds.

    The encoder is not trained: the machine gets a head of its own. How much worse that is than a
    training of the whole fleet is told in docs/explanation/hearing.md; train again when there is
    time.

    Parameters
    ----------
    bundle
        A .rattle file of another machine; its encoder is taken.
    data
        A folder of recordings, or a CSV file, with the new machine's normal clips; its other
        machines are outliers, beside those that the bundle's replay set keeps.
    machine
        The new machine, as type/id (fan/id_00).
    out
        Folder for the new bundle and its run folder; by default that of the bundle.
    outliers
        Recordings to serve as outliers in place of the other machines in DATA.
    seed
        Decides which normals are held out.
    device
        auto, cpu, cuda or cuda:N.
    resume
        Leave a finished enrolment in OUT as it is.
    """
    from rattle.cli.terminal.running import run_shown
    from rattle.clips.layouts import load_manifest, load_outliers
    from rattle.clips.machine import Machine
    from rattle.detector import Detector
    from rattle.detector.enrol import EnrolJob

    parent = Detector.load(bundle, device=device)
    job = EnrolJob(
        parent=parent,
        clips=load_manifest(data),
        machine=Machine.parse(machine),
        outliers=None if outliers is None else load_outliers(outliers),
        seed=seed,
        device=device,
    )
    (enrolled,) = run_shown(job, out or bundle.parent, resume=resume)
    print(
        f"{machine}: its encoder never heard it, and misses much that a training would hear: "
        "when there is time, train all machines again (rattle train DATA --machine all)"
    )
    if parent.graph is None:
        export = shlex.join(["rattle", "export", str(enrolled)])
        print(f"{machine}: it has no graph yet, to score without torch and listen: {export}")
    return 0
