"""Judge windows: minutes, thresholds and incidents, by the budget. Begin with ``incidents``."""
