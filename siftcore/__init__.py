"""SIFT whose scale space comes from a swappable provider.

>>> import siftcore
>>> siftcore.list_providers()[:3]
['bicubic-x2', 'bicubic-x4', 'dog']

`extract` an image's `Features`, `match` two images, `describe` given keypoints. Importing this
package loads neither Numba nor torch; the first call does what it needs.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

# It has to see every fork, also one before the first extraction.
from siftcore import forking as _forking  # noqa: F401

if TYPE_CHECKING:
    from siftcore.errors import (
        ImageReadError,
        InputError,
        InputTypeError,
        MissingDependencyError,
        OutputError,
        ParameterError,
        ProviderError,
        SiftError,
        UnknownProviderError,
    )
    from siftcore.image import load_image
    from siftcore.matching import match_descriptors, match_features
    from siftcore.params import (
        DescriptorParams,
        DetectorParams,
        OrientationParams,
        ScaleSpaceParams,
        SiftParams,
    )
    from siftcore.pipeline import describe, extract, match
    from siftcore.scalespace.protocol import Octave, ScaleSpace, ScaleSpaceProvider
    from siftcore.scalespace.registry import (
        ProviderInfo,
        get_provider,
        list_providers,
        provider_info,
        register_provider,
    )
    from siftcore.scalespace.stack_sr import StackSR
    from siftcore.scalespace.superres import PixelSR
    from siftcore.types import Features, Matches, MatchResult

_MODULE_OF = {
    "DescriptorParams": "params",
    "DetectorParams": "params",
    "Features": "types",
    "ImageReadError": "errors",
    "InputError": "errors",
    "InputTypeError": "errors",
    "MatchResult": "types",
    "Matches": "types",
    "MissingDependencyError": "errors",
    "Octave": "scalespace.protocol",
    "OrientationParams": "params",
    "OutputError": "errors",
    "ParameterError": "errors",
    "PixelSR": "scalespace.superres",
    "ProviderError": "errors",
    "ProviderInfo": "scalespace.registry",
    "ScaleSpace": "scalespace.protocol",
    "ScaleSpaceParams": "params",
    "ScaleSpaceProvider": "scalespace.protocol",
    "SiftError": "errors",
    "SiftParams": "params",
    "StackSR": "scalespace.stack_sr",
    "UnknownProviderError": "errors",
    "describe": "pipeline",
    "extract": "pipeline",
    "get_provider": "scalespace.registry",
    "list_providers": "scalespace.registry",
    "load_image": "image",
    "match": "pipeline",
    "match_descriptors": "matching",
    "match_features": "matching",
    "provider_info": "scalespace.registry",
    "register_provider": "scalespace.registry",
}

__version__ = "0.1.0"

__all__ = [
    "DescriptorParams",
    "DetectorParams",
    "Features",
    "ImageReadError",
    "InputError",
    "InputTypeError",
    "MatchResult",
    "Matches",
    "MissingDependencyError",
    "Octave",
    "OrientationParams",
    "OutputError",
    "ParameterError",
    "PixelSR",
    "ProviderError",
    "ProviderInfo",
    "ScaleSpace",
    "ScaleSpaceParams",
    "ScaleSpaceProvider",
    "SiftError",
    "SiftParams",
    "StackSR",
    "UnknownProviderError",
    "__version__",
    "describe",
    "extract",
    "get_provider",
    "list_providers",
    "load_image",
    "match",
    "match_descriptors",
    "match_features",
    "provider_info",
    "register_provider",
]


def __getattr__(name: str) -> Any:
    # Deferred (PEP 562), because Numba and Pillow together take longer to import than NumPy.
    if name not in _MODULE_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(importlib.import_module(f"{__name__}.{_MODULE_OF[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
