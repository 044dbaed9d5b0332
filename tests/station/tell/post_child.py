"""A station's post, to be killed: finds what is to be told and sends it, a while after noon."""

from __future__ import annotations

import sys
from datetime import timedelta
from pathlib import Path

from tell_kit import NOON, Clock, post_of

from rattle.station.store.database import open_database


def main(folder: Path, url: str, minutes: float) -> None:
    post = post_of(open_database("sqlite", folder), Clock(NOON + timedelta(minutes=minutes)), url)
    post.look()
    post.send_due()


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], float(sys.argv[3]))
