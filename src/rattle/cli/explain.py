"""``rattle explain``: say why recordings are alarms."""

from __future__ import annotations

import json as jsonlib
import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

from rattle.errors import ClipError, DataError

if TYPE_CHECKING:
    from rattle.runtime.explanation import Explanation

Paths = Annotated[list[Path], Parameter(consume_multiple=True)]


def explain(
    bundle: Path,
    paths: Paths,
    /,
    *,
    most: int = 5,
    json: bool = False,
    picture: Path | None = None,
    device: str = "auto",
) -> int:
    """Say why recordings score as they do: lines, bands, times, and what the detector reacts to.

    What differs is measured against the machine's healthy clips, of which the bundle keeps the
    spectra; it says what differs, not why. What the detector reacts to is tried, band by band, with
    a healthy clip's sound in its place. Where the two do not agree it is said. Of a long recording
    the piece around its highest window is explained. A clip that cannot be read does not stop the
    others; the exit code is then 1.

    Parameters
    ----------
    bundle
        A .rattle file.
    paths
        Recordings, or folders of them.
    most
        Differences to name of each at most.
    json
        Print JSON, with all differences and every band.
    picture
        Draw the spectrum over that of the healthy clips to this file, an SVG, of one recording.
    device
        auto, cpu, cuda or cuda:N.
    """
    from rattle.atomic import write_text
    from rattle.bundle import read_bundle
    from rattle.cli.terminal.explanation_lines import explanation_lines
    from rattle.cli.terminal.scorers import open_scorer
    from rattle.clips.files import audio_files
    from rattle.runtime.explanation import explain as explained
    from rattle.runtime.picture import picture_of

    if most < 1:
        raise DataError(f"--most is 1 or more; {most} was given")
    clips = list(audio_files(paths))
    if picture is not None and len(clips) != 1:
        raise DataError(f"--picture is of one recording; {len(clips)} were given")
    whole = read_bundle(bundle)
    scorer = open_scorer(bundle, device=device)
    failed, documents = 0, []
    for clip in clips:
        try:
            explanation = explained(whole, scorer, clip)
        except ClipError as error:
            failed += 1
            print(f"rattle: error: {error}", file=sys.stderr)
            continue
        if json:
            documents.append(_document(explanation))
        else:
            print("\n".join(explanation_lines(explanation, most)))
        if picture is not None:
            write_text(picture, picture_of(explanation, most, title=clip.name))
    if json:
        print(jsonlib.dumps({"machine": whole.info.machine, "clips": documents}, indent=1))
    return int(failed > 0)


def _document(explanation: Explanation) -> dict[str, Any]:
    from rattle.diagnosis.sentence import sentence

    score = asdict(explanation.score)
    del score["windows"]
    return {
        **score,
        "start_s": explanation.start_s,
        "end_s": explanation.end_s,
        "healthy_clips": explanation.healthy,
        "differences": [
            {**asdict(each), "sentence": sentence(each, explanation.healthy)}
            for each in explanation.differences
        ],
        "reactions": [asdict(band) for band in explanation.reactions],
        "nearest_normal": explanation.normal and asdict(explanation.normal),
        "nearest_anomaly": explanation.anomaly and asdict(explanation.anomaly),
    }
