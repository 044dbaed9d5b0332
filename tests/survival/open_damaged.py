"""Child of ``test_damaged_bundles``: inspects damaged bundles and scores by them."""

from __future__ import annotations

import contextlib
import io
import sys
from pathlib import Path

import numpy as np
import soundfile as sf
from damaged_bundles import damaged
from watched import serve

from rattle import Detector
from rattle.cli import main as rattle
from rattle.errors import RattleError
from rattle.scoring.clip import Unscored

# Codes: done, done but something was found, refused.
FOUND, REFUSED = 1, 2


def main() -> None:
    folder = Path(sys.argv[1])
    wholes = [path.read_bytes() for path in sorted((folder / "whole").iterdir())]
    clip = folder / "clip.wav"
    sf.write(clip, np.random.default_rng(0).normal(0, 0.1, 40_000), 16_000)
    warm = folder / "warm.rattle"
    for whole in wholes:  # so that imports and pools are not counted as a case's memory
        warm.write_bytes(whole)
        assert judged(warm, clip, is_refused=False) is None

    def attempt(case: int) -> str | None:
        made = damaged(case, wholes)
        path = folder / f"{case}.rattle"
        path.write_bytes(made.content)
        wrong = judged(path, clip, is_refused=made.is_refused)
        path.unlink()
        return None if wrong is None else f"{made.how}: {wrong}"

    serve(attempt, spare_megabytes=1024)


def judged(path: Path, clip: Path, *, is_refused: bool) -> str | None:
    """What is wrong with how a bundle is read, None where it is as it has to be."""
    commands = (["inspect", path], ["score", path, clip, "--csv", "--device", "cpu"])
    for words in commands:
        code, out, err = ran(*words)
        wrong = _wrong(code, out, err, path)
        if wrong:
            return f"{words[0]}: {wrong}"
    # score takes the graph where there is one; the network has to hold as well.
    try:
        detector = Detector.load(path, device="cpu")
    except RattleError as error:
        return None if str(path) in str(error) else f"not named: {error}"
    if is_refused:
        return "taken for whole"
    (result,) = detector.score_each([clip])
    if not isinstance(result, Unscored) and not np.isfinite(result.score):
        return f"scored {result.score}"
    return None


def _wrong(code: object, out: str, err: str, path: Path) -> str | None:
    errors = [line for line in err.splitlines() if not line.startswith("rattle: warning: ")]
    if code not in (0, FOUND, REFUSED) or "a bug in rattle" in err or "Traceback" in err:
        return f"ended with {code}: {err}"
    # A graph may fail where it is run; what it is of is then the only bundle there is.
    named = (str(path), "the bundle's graph")
    if code == REFUSED and (len(errors) != 1 or not any(name in errors[0] for name in named)):
        return f"refused with {out!r} {errors}"
    if "nan" in out or "inf," in out:
        return f"gave {out}"
    return None


def ran(*words: object) -> tuple[object, str, str]:
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            rattle([str(word) for word in words])
        except SystemExit as ended:
            code = ended.code
    return code, out.getvalue(), err.getvalue()


if __name__ == "__main__":
    main()
