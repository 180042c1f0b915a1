"""Programs that turn an image into features: our providers, and other programs beside them."""

from bench.extractors.extractor import EVERYTHING, Extractor, make_extractors, top_features

__all__ = ["EVERYTHING", "Extractor", "make_extractors", "top_features"]
