"""Show long work and its results on a terminal: what the verbs beside this folder share."""
