"""Train encoders for stations, here or on another machine, with torch.

    station ── job, sound ──▶ worker: trains on, hears both ── bundle, embeddings ──▶ station

``station`` is what a worker says to one over its API, and all that it knows of it; ``learn`` trains
the encoder on as ``rattle adapt`` does, ``hear`` says what the old and the new one make of the
sound; ``work`` does one job, and ``rounds`` asks one station after the other.
"""
