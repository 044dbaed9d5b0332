"""Put the station together: threads for every source, the scribe, the keeper, the explainer.

    source ── Listener + Ear ─┬─ records ── Scribe ── database, recordings, embeddings
                              │                └── written: pages are told, the Explainer asked
                              └─ board, scores ── pages
    Telling: what is stored ── mail, webhooks, a broker
    Keeper: watchdog each 10 s, lease each 30 s, retention each hour

Begin with ``station.Plant``.
"""
