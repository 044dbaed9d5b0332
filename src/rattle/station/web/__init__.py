"""Show the plant: pages, API, events. Begin with ``app.build_app``."""
