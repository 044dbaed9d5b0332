"""Enrol a further machine while the station runs: record it, look at its sound, make its detector.

    source ── Listener ── Recording ── a piece of ten seconds ── measured ── FLAC, a line beside it
                                                     checks, states heard ──┘        │
                                       head on the shared encoder, rehearsal ── bundle ┘

``recording`` is the ear, ``piece`` what is known of ten seconds, ``pieces`` what lies on disk,
``states`` and ``checks`` what all of it comes to, ``making`` the bundle. Pure of threads; the
threads and states are ``plant.enrolling``. Begin with ``checks``.
"""
