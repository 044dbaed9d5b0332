"""Listen to a plant's machines all the time, remember what was heard, and show it on one page.

    config    plant.toml
    hear      sources -> sound -> windows, each fit or not, running or not
    judge     windows -> minutes and incidents, by the budget
    store     what is remembered: tables, recordings, embeddings; the scribe that writes them
    web       the page and its API
    plant     all of it put together, as threads

``records`` are what the ear tells the scribe, ``board`` is what the page shows of this moment,
``events`` how it is told of changes. Begin with ``plant.Plant``.
"""
