"""Tell people and other programs what happens: mail, webhooks, a broker.

    incidents' rows ── Finder: who is to be told what ── notice's rows, the outbox
                                                              │
                 Post, a thread ── what is due, grouped ── webhook, apprise
    board, incidents' rows ── Mqtt, a thread ── retained topics ── broker ── tags, samples

Nothing is told from memory: whoever is killed finds again in the tables what is still to be told.
Begin with ``post`` and ``mqtt``.
"""
