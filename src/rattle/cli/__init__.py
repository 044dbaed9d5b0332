"""The command line: one file a verb, each imported when it is called."""

from __future__ import annotations

import logging
import os
import sys
from pathlib import Path

from cyclopts import App

import rattle
from rattle.errors import RattleError

# Exit codes: 0 done, 1 done but something was found or left out, 2 not done, 130 interrupted.
FAILED, INTERRUPTED = 2, 130

VERBS = ("demo", "check", "train", "score", "evaluate", "inspect", "synthesize", "download")


def build_app() -> App:
    """The application with every verb; a verb's module is not imported before it is called."""
    app = App(
        name="rattle",
        help="Learn what a machine sounds like when it is healthy; tell how far new sound is "
        "from that.",
        version=rattle.__version__,
        result_action="return_value",
        suppress_keyboard_interrupt=False,
    )
    for verb in VERBS:
        app.command(f"rattle.cli.{verb}:{verb}", name=verb)
    return app


def main(arguments: list[str] | None = None) -> None:
    """Run a command line and exit; errors of ours are one message and no traceback."""
    logging.basicConfig(format="rattle: %(levelname)s: %(message)s", level=logging.WARNING)
    logging.addLevelName(logging.WARNING, "warning")
    try:
        code = build_app()(arguments)
    except RattleError as error:
        code = _failed(str(error))
    except KeyboardInterrupt:
        print("rattle: interrupted", file=sys.stderr)
        code = INTERRUPTED
    except BrokenPipeError:
        # The reader of our output (head, less) has gone: nothing is left to say to it.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = FAILED
    except OSError as error:
        code = _failed(f"{error.strerror or error}: {error.filename or 'no file named'}")
    except Exception as error:
        code = _failed_by_bug(error)
    sys.exit(code if isinstance(code, int) else 0)


def _failed(message: str) -> int:
    print(f"rattle: error: {message}", file=sys.stderr)
    return FAILED


def _failed_by_bug(error: Exception) -> int:
    import traceback

    if os.environ.get("RATTLE_DEBUG"):
        raise error
    log = Path("rattle-bug.log")
    try:
        log.write_text("".join(traceback.format_exception(error)))
        where = f"details are in {log}"
    except OSError:
        where = "set RATTLE_DEBUG=1 to see details"
    return _failed(f"a bug in rattle: {type(error).__name__}: {error}; {where}")
