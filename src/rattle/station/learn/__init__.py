"""Learn from what people say of incidents, and show what it would change before it is used.

    reviews ── labels ── head fitted anew ── replay of all stored sound ── gate ── release
                                                                              `── promoted, or not

``incidents`` lists what was reviewed and which third is kept for the test, ``labels`` finds its
sound among the stored embeddings, ``replay`` scores what is stored, ``gate`` compares a new head
with the one in use, ``candidate`` does all this for a machine, ``curve`` says what each verdict has
brought. Numpy only, and no thread: those are the plant's.

An encoder is trained by a worker: ``material`` chooses what on, ``pieces`` reads what it and the
one before make of kept sound, ``encoder`` compares them by the same gate, ``moved`` carries over
what was heard by the one before.
"""
