"""Run the command line: one file a verb, each imported when it is called.

``terminal`` holds what verbs share: progress, tables, options. Begin with ``main``.
"""

from __future__ import annotations

import errno
import io
import logging
import os
import signal
import sys
import warnings
from pathlib import Path
from typing import NoReturn

from cyclopts import App, Parameter

from rattle.cli.terminal.options import told
from rattle.cli.terminal.stopping import INTERRUPTS
from rattle.errors import RattleError
from rattle.version import VERSION

# Exit codes: 0 done, 1 done but something was found or left out, 2 not done, 130 interrupted.
FAILED, INTERRUPTED = 2, 130
# How a disk refuses to take more: full, over quota, broken, at the largest size of a file.
OF_A_DISK = (errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EFBIG)

# What polars warns of where the processor is older than its build: it would crash next.
OLD_PROCESSOR = "Missing required CPU features"

VERBS = (
    "demo",
    "check",
    "train",
    "enrol",
    "adapt",
    "score",
    "explain",
    "rehearse",
    "listen",
    "station",
    "station-worker",
    "station-account",
    "station-backup",
    "station-restore",
    "evaluate",
    "compare",
    "report",
    "reproduce",
    "inspect",
    "export",
    "synthesize",
    "download",
)


def name_of(verb: str) -> str:
    """Name the module of a verb, and the function in it.

    >>> name_of("station-account")
    'station_account'
    """
    return verb.replace("-", "_")


def build_app() -> App:
    """Build the application with every verb; a verb's module is imported when it is called."""
    app = App(
        name="rattle",
        help="Learn what a machine sounds like when it is healthy; tell how far new sound is "
        "from that.",
        version=VERSION,
        # A switch is off unless it is given: no --no-csv beside --csv.
        default_parameter=Parameter(negative=()),
        result_action="return_value",
        suppress_keyboard_interrupt=False,
    )
    for place, verb in enumerate(VERBS):
        app.command(f"rattle.cli.{name_of(verb)}:{name_of(verb)}", name=verb, sort_key=place)
    return app


def main(arguments: list[str] | None = None) -> NoReturn:
    """Run a command line and exit; errors of ours are one message and no traceback."""
    logging.basicConfig(format="rattle: %(levelname)s: %(message)s", level=logging.WARNING)
    logging.addLevelName(logging.WARNING, "warning")
    if isinstance(sys.stdout, io.TextIOWrapper):
        # A file's name may hold what cannot be written as UTF-8.
        sys.stdout.reconfigure(errors="backslashreplace")
    warnings.filterwarnings("error", f"\\s*{OLD_PROCESSOR}")
    words = sys.argv[1:] if arguments is None else arguments
    before = signal.getsignal(signal.SIGINT)
    try:
        INTERRUPTS.catch()
        app = build_app()
        if not words or words[0] in app.help_flags:
            _load_summaries(app)
        code = app(words)
        # A reader that has gone (head, less) is found here, not when Python shuts down.
        _flush()
    except RattleError as error:
        code = _failed(told(error))
    except KeyboardInterrupt:
        print("rattle: interrupted", file=sys.stderr)
        code = INTERRUPTED
    except BrokenPipeError:
        _drop_output()  # nothing is left to say to a reader that has gone
        code = FAILED
    except ModuleNotFoundError as error:
        code = _failed_by_missing(error)
    except MemoryError as error:
        code = _failed(
            f"memory ran out ({str(error) or 'no more is told'}); give shorter recordings or fewer "
            "at a time, or a smaller recipe"
        )
    except OSError as error:
        code = _failed_by_system(error)
    except Exception as error:
        is_old = OLD_PROCESSOR in str(error)
        code = _failed_by_processor(str(error)) if is_old else _failed_by_bug(error)
    finally:
        INTERRUPTS.let_go(before)
    sys.exit(code if isinstance(code, int) else 0)


def _load_summaries(app: App) -> None:
    """Import every verb, so that the overview shows the first line of its docstring."""
    for verb in VERBS:
        app[verb]


def _flush() -> None:
    if sys.stdout is not None:  # the shell's >&- closes it
        sys.stdout.flush()


def _drop_output() -> None:
    # What is buffered must go somewhere when Python shuts down.
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _failed_by_system(error: OSError) -> int:
    if error.filename is None and error.errno in OF_A_DISK:
        # Whatever writes a file names it.
        _drop_output()
        return _failed(
            f"standard output cannot be written ({error.strerror}), what is there is not whole; "
            "make room on the disk, or send it elsewhere"
        )
    return _failed(f"{error.strerror or error}: {error.filename or 'no file named'}")


def _failed(message: str) -> int:
    print(f"rattle: error: {message}", file=sys.stderr)
    return FAILED


def _failed_by_missing(error: ModuleNotFoundError) -> int:
    package = (error.name or "").partition(".")[0]
    if package in ("", "rattle"):
        return _failed_by_bug(error)
    return _failed(
        f"this takes {package}, which is not installed here: pip install 'rattle[train]'; only "
        "scoring does without, by a bundle's graph (where it was trained: rattle export BUNDLE)"
    )


def _failed_by_processor(said: str) -> int:
    lacking = next((line.strip() for line in said.splitlines() if "avx" in line), "AVX2")
    return _failed(
        f"this processor lacks {lacking}, which the installed build of polars needs to list "
        "recordings: pip install 'polars[rtcompat]'; scoring and listening do without"
    )


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
