"""Start the command line; Ctrl-C while it is still being loaded ends it without a traceback."""

from __future__ import annotations

import os
import signal
import sys


def main() -> None:
    """Load the command line and run it.

    Until it is loaded and after it has ended, Ctrl-C ends the process at once, as any program; in
    between the command line says that it was interrupted.
    """
    # A shell script tells what it started in the background to ignore Ctrl-C: that stays.
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    from rattle.cli import INTERRUPTED
    from rattle.cli import main as run

    try:
        run()
    except KeyboardInterrupt:
        # It came as the command was ending, while its last words were said.
        sys.stderr.write("rattle: interrupted\n")
    except SystemExit as ended:
        if ended.code != INTERRUPTED:
            raise
    # Everything is written and every process of ours has ended; to unload torch takes seconds.
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(INTERRUPTED)


if __name__ == "__main__":
    main()
