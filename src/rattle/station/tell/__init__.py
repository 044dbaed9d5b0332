"""Tell people and other programs what happens: mail, webhooks, a broker.

    incidents' rows ── finding: who is to be told what ── notices' rows, the outbox
                                                                │
                        Post, a thread ── outbox: what is due ──┴─ channel: webhook, apprise
    board, incidents' rows ── Publisher, a thread ── topics ── Broker ── incoming: tags, samples

Nothing is told from memory: whoever is killed finds again in the tables what is still to be told.
Begin with ``post`` and ``publishing``.
"""
