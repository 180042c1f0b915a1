"""Providers by name: built in, installed (entry points), or registered in this process."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache, partial
from importlib.metadata import EntryPoint, entry_points
from importlib.util import find_spec
from typing import Any

from siftcore.errors import (
    MissingDependencyError,
    ParameterError,
    ProviderError,
    UnknownProviderError,
)
from siftcore.scalespace.protocol import ScaleSpaceProvider

__all__ = [
    "ProviderInfo",
    "get_provider",
    "list_providers",
    "provider_info",
    "register_provider",
    "resolve_provider",
]

ENTRY_POINT_GROUP = "siftcore.providers"
Factory = Callable[..., ScaleSpaceProvider]


@dataclass(frozen=True)
class ProviderInfo:
    """What is known of a provider before it is made.

    Attributes
    ----------
    name : str
    summary : str
        One line.
    requires : tuple of str
        Import names of the packages it needs; a factory states them as its attribute ``requires``.
    missing : str or None
        The first of them that is not installed, or what loading the provider failed for.
    extra : str or None
        The extra of siftcore that brings them, where there is one; the factory's ``extra``.
    absent : str or None
        What else it lacks unless an option supplies it, such as weights; what the factory's
        attribute ``absent``, a function without arguments, returns.
    """

    name: str
    summary: str
    requires: tuple[str, ...] = ()
    missing: str | None = None
    extra: str | None = None
    absent: str | None = None

    @property
    def available(self) -> bool:
        """Whether `get_provider` can make it here, without options."""
        return self.missing is None and self.absent is None


def _make_dog() -> ScaleSpaceProvider:
    """Classical: doubled by linear interpolation, then Gaussian octaves."""
    from siftcore.scalespace.dog import DogProvider

    return DogProvider()


def _make_bicubic(scale: int) -> ScaleSpaceProvider:
    """Bicubic upsampling, then Gaussian octaves."""
    from siftcore.scalespace.superres import Bicubic

    return Bicubic(scale)


_registered: dict[str, Factory] = {
    "dog": _make_dog,
    "bicubic-x2": partial(_make_bicubic, 2),
    "bicubic-x4": partial(_make_bicubic, 4),
}


@lru_cache(maxsize=1)
def _installed() -> dict[str, EntryPoint]:
    found: dict[str, EntryPoint] = {}
    for point in sorted(entry_points(group=ENTRY_POINT_GROUP), key=lambda point: point.value):
        if point.name in found and found[point.name].value != point.value:
            raise ProviderError(
                f"two installed packages register the provider {point.name!r}: "
                f"{found[point.name].value} and {point.value}; uninstall one"
            )
        found[point.name] = point
    return found


def _factory(name: str) -> Factory:
    if name in _registered:
        return _registered[name]
    installed = _installed()
    if name not in installed:
        raise UnknownProviderError(name, tuple(list_providers()))
    try:
        factory: Factory = installed[name].load()
    except ImportError as error:
        package = error.name or str(error)
        raise MissingDependencyError(package, f"provider {name!r}", None) from error
    # Whatever is wrong with somebody's package must not hide the other providers.
    except Exception as error:
        raise ProviderError(
            f"provider {name!r} cannot be loaded ({type(error).__name__}: {error}); update the "
            f"package that registers it as {installed[name].value!r}, or uninstall it"
        ) from error
    return factory


def register_provider(name: str, factory: Factory) -> None:
    """Make a provider known by name for this process.

    Installed packages do the same for every process through the entry-point group
    ``siftcore.providers``: the entry's name is the provider's, its object the factory.

    Parameters
    ----------
    name : str
    factory : callable
        Returns a `ScaleSpaceProvider`. A parameter `device`, where it has one, receives
        ``"auto"``, ``"cpu"``, ``"cuda"`` or ``"mps"``. The first line of its docstring is shown
        in lists; its attribute ``requires`` names the packages that it needs, ``extra`` the extra
        that brings them, and ``absent``, a function, says what else is lacking, or None.

    Raises
    ------
    ProviderError
        When the name is taken.
    """
    if not isinstance(name, str) or not name or any(c.isspace() or c == "," for c in name):
        raise ParameterError("name", name, "a non-empty string without spaces or commas")
    if not callable(factory):
        raise ParameterError("factory", factory, "a callable that returns a provider")
    if name in _registered or name in _installed():
        raise ProviderError(f"a provider {name!r} is registered already; choose another name")
    _registered[name] = factory


def list_providers(*, available_only: bool = False) -> list[str]:
    """Names of all registered providers, sorted.

    Parameters
    ----------
    available_only : bool, default False
        Leave out those whose packages or weights are not there.

    Examples
    --------
    >>> "dog" in list_providers()
    True
    """
    names = sorted({*_registered, *_installed()})
    return [name for name in names if not available_only or provider_info(name).available]


def provider_info(name: str) -> ProviderInfo:
    """What is known of the provider `name` without making it.

    Raises
    ------
    UnknownProviderError
        When there is none of that name.
    """
    try:
        factory = _factory(name)
    except MissingDependencyError as error:
        return ProviderInfo(name, "", (), error.package)
    except UnknownProviderError:
        raise
    except ProviderError as error:
        return ProviderInfo(name, "", (), f"a package that loads ({error.__cause__})")
    function = factory.func if isinstance(factory, partial) else factory
    summary = (inspect.getdoc(function) or "").partition("\n")[0]
    requires = tuple(getattr(factory, "requires", ()))
    missing = next((package for package in requires if find_spec(package) is None), None)
    absent = getattr(factory, "absent", None)
    return ProviderInfo(
        name,
        summary,
        requires,
        missing,
        getattr(factory, "extra", None),
        absent() if absent is not None else None,
    )


def get_provider(name: str, *, device: str = "auto", **options: Any) -> ScaleSpaceProvider:
    """The provider of that name.

    Parameters
    ----------
    name : str
        One of `list_providers`.
    device : {"auto", "cpu", "cuda", "mps"}, default "auto"
        Where networks run, ``"cuda:1"`` and the like too; providers without networks ignore it.
    **options
        Passed on to the provider's factory.

    Returns
    -------
    ScaleSpaceProvider

    Raises
    ------
    UnknownProviderError
        When there is none of that name; the message lists the known ones.
    MissingDependencyError
        When a package that it needs is not installed.
    ProviderError
        When the package that registers it cannot be loaded.
    """
    if not isinstance(name, str):
        raise ParameterError("provider", name, "a name or a ScaleSpaceProvider")
    kind, _, number = device.partition(":") if isinstance(device, str) else ("", "", "")
    if kind not in ("auto", "cpu", "cuda", "mps") or (number and kind != "cuda"):
        raise ParameterError("device", device, "'auto', 'cpu', 'cuda', 'cuda:N' or 'mps'")
    factory = _factory(name)
    info = provider_info(name)
    if info.missing is not None:
        raise MissingDependencyError(info.missing, f"provider {name!r}", info.extra)
    parameters = inspect.signature(factory).parameters
    if "device" in parameters:
        options["device"] = device
    unknown = sorted(set(options) - set(parameters))
    takes_any = any(p.kind is p.VAR_KEYWORD for p in parameters.values())
    if unknown and not takes_any:
        raise ParameterError(f"options of provider {name!r}", unknown, f"among {list(parameters)}")
    return factory(**options)


def resolve_provider(provider: str | ScaleSpaceProvider) -> ScaleSpaceProvider:
    """The provider meant: a name is looked up, an object is taken as it is."""
    if isinstance(provider, str):
        return get_provider(provider)
    if isinstance(provider, type) or not isinstance(provider, ScaleSpaceProvider):
        raise ProviderError(
            "provider must be a registered name or an object with a `name` and a method "
            f"`build(image, params)`; got {provider!r}"
        )
    return provider
