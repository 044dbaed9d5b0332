"""Put all that a station remembers into one file while it runs, and make a station of it again.

    contents.json                   what follows, with sizes and hashes (``contents``)
    tables/minute/000001.jsonl      rows, an array a line; bytes as base64 (``stored_rows``)
    releases/  clips/  embeddings/  kept/  the files of the data folder, as they are called there
    heard/                          which recordings of watched folders were heard

A zip of stored members, as a bundle is: one file is there in full or not at all, and what is in it
is read before anything is taken out. Rows are those of one moment, whatever database they are from,
and go into any. Begin with ``back_up`` and ``restore``.
"""

from rattle.station.store.backup.make import back_up
from rattle.station.store.backup.restore import restore

__all__ = ["back_up", "restore"]
