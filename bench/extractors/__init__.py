"""Programs that turn an image into features: our providers, and other programs beside them."""

from bench.extractors.extractor import (
    EVERYTHING,
    FEATURE_CODE,
    Extractor,
    make_extractors,
    top_features,
)

__all__ = ["EVERYTHING", "FEATURE_CODE", "Extractor", "make_extractors", "top_features"]
