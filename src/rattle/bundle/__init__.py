"""The model file: save, load, verify."""

from rattle.bundle.file import Bundle, read_bundle, read_graph, write_bundle
from rattle.bundle.schema import BundleInfo

__all__ = ["Bundle", "BundleInfo", "read_bundle", "read_graph", "write_bundle"]
