"""Every exception that siftcore raises on purpose.

::

    SiftError (Exception)
    ├── InputError (ValueError)            an image, mask, array or argument has a bad value
    │   ├── ImageReadError                 a file cannot be read as an image
    │   └── ParameterError                 a setting is out of its range
    ├── InputTypeError (TypeError)         an argument has a type or dtype that is not taken
    ├── ProviderError (ValueError)         a provider broke its contract
    │   └── UnknownProviderError           no provider of that name
    ├── OutputError (ValueError)           a result cannot be written
    └── MissingDependencyError (ValueError, ImportError)   an extra is not installed

Every message says what was expected, what came, and what to do.
"""

from __future__ import annotations

__all__ = [
    "ImageReadError",
    "InputError",
    "InputTypeError",
    "MissingDependencyError",
    "OutputError",
    "ParameterError",
    "ProviderError",
    "SiftError",
    "UnknownProviderError",
]


class SiftError(Exception):
    """Base of all errors that siftcore raises on purpose."""


class InputError(SiftError, ValueError):
    """An image, mask, array or argument has a value that cannot be used."""


class ImageReadError(InputError):
    """A file cannot be read as an image.

    Attributes
    ----------
    path : str
        The file that was asked for.
    """

    def __init__(self, path: str, reason: str) -> None:
        super().__init__(path, reason)
        self.path = path
        self.reason = reason

    def __str__(self) -> str:
        return f"cannot read an image from {self.path!r}: {self.reason}"


class ParameterError(InputError):
    """A setting is out of its range.

    Attributes
    ----------
    name : str
        The parameter.
    value : object
        What came.
    expected : str
        What is allowed.
    """

    def __init__(self, name: str, value: object, expected: str) -> None:
        super().__init__(name, value, expected)
        self.name = name
        self.value = value
        self.expected = expected

    def __str__(self) -> str:
        return f"{self.name} must be {self.expected}; got {self.value!r}"


class InputTypeError(SiftError, TypeError):
    """An argument has a type or dtype that is not taken."""


class ProviderError(SiftError, ValueError):
    """A scale-space provider returned something that breaks its contract."""


class UnknownProviderError(ProviderError):
    """No provider is registered under the name that was asked for.

    Attributes
    ----------
    name : str
        What was asked for.
    known : tuple of str
        The registered names.
    """

    def __init__(self, name: str, known: tuple[str, ...]) -> None:
        super().__init__(name, known)
        self.name = name
        self.known = known

    def __str__(self) -> str:
        return (
            f"unknown provider {self.name!r}; known: {', '.join(self.known)}. "
            "Install the package that brings it, or pass a ScaleSpaceProvider object"
        )


class OutputError(SiftError, ValueError):
    """A result cannot be written where it was asked for."""


class MissingDependencyError(SiftError, ValueError, ImportError):
    """A feature needs a package that is not installed.

    Attributes
    ----------
    package : str
        The import name that is missing.
    extra : str or None
        The extra of siftcore that brings it, where there is one.
    """

    def __init__(self, package: str, purpose: str, extra: str | None) -> None:
        super().__init__(package, purpose, extra)
        self.package = package
        self.purpose = purpose
        self.extra = extra

    def __str__(self) -> str:
        if self.extra is None:
            return f"{self.purpose} needs {self.package!r}, which is not installed; install it"
        return (
            f"{self.purpose} needs the package {self.package!r}, which is not installed; "
            f'run: pip install "siftcore[{self.extra}]"'
        )
