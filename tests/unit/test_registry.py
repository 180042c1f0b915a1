"""Providers by name: built in, registered, installed through entry points."""

from __future__ import annotations

from importlib.metadata import EntryPoint

import numpy as np
import pytest
from numpy.typing import NDArray

import siftcore
from siftcore import MissingDependencyError, ParameterError, ProviderError, UnknownProviderError
from siftcore.scalespace import registry


class Third:
    """A provider of somebody else."""

    name = "third"

    def __init__(self, device: str = "auto", gain: float = 1.0) -> None:
        self.device = device
        self.gain = gain

    def build(
        self, image: NDArray[np.float32], params: siftcore.ScaleSpaceParams
    ) -> siftcore.ScaleSpace:
        return siftcore.get_provider("dog").build(image, params)


class NeedsMore(Third):
    """A provider that needs a package which nobody has."""

    requires = ("no_such_package_of_siftcore",)


@pytest.fixture
def clean_registry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "_registered", dict(registry._registered))


@pytest.fixture
def installed(monkeypatch: pytest.MonkeyPatch) -> None:
    points = [
        EntryPoint("third", f"{__name__}:Third", registry.ENTRY_POINT_GROUP),
        EntryPoint("needs-more", f"{__name__}:NeedsMore", registry.ENTRY_POINT_GROUP),
        EntryPoint("gone", "no_such_module_of_siftcore:x", registry.ENTRY_POINT_GROUP),
        EntryPoint("stale", f"{__name__}:Renamed", registry.ENTRY_POINT_GROUP),
    ]
    monkeypatch.setattr(registry, "_installed", lambda: {point.name: point for point in points})


def test_built_in_names() -> None:
    assert {"dog", "bicubic-x2", "bicubic-x4"} <= set(siftcore.list_providers())
    assert siftcore.list_providers() == sorted(siftcore.list_providers())
    assert siftcore.provider_info("dog").available
    assert "doubled" in siftcore.provider_info("dog").summary


@pytest.mark.usefixtures("clean_registry")
def test_a_registered_provider_is_used_by_name(crop: NDArray[np.uint8]) -> None:
    siftcore.register_provider("third", Third)
    assert "third" in siftcore.list_providers()
    provider = siftcore.get_provider("third", device="cpu", gain=2.0)
    assert isinstance(provider, Third)
    assert (provider.device, provider.gain) == ("cpu", 2.0)
    features = siftcore.extract(crop, provider="third")
    np.testing.assert_array_equal(features.xy, siftcore.extract(crop).xy)
    assert features.provider == "third"


@pytest.mark.usefixtures("clean_registry")
def test_names_are_taken_once() -> None:
    siftcore.register_provider("third", Third)
    for name in ("third", "dog"):
        with pytest.raises(ProviderError, match="registered already"):
            siftcore.register_provider(name, Third)


@pytest.mark.parametrize("name", ["", "two words", "a,b", 3])
def test_bad_names_are_refused(name: object) -> None:
    with pytest.raises(ParameterError, match="name"):
        siftcore.register_provider(name, Third)  # type: ignore[arg-type]


@pytest.mark.usefixtures("installed")
def test_entry_points_are_found_and_loaded_when_asked_for() -> None:
    assert {"third", "needs-more", "gone", "dog"} <= set(siftcore.list_providers())
    assert siftcore.get_provider("third").name == "third"
    assert siftcore.provider_info("third").summary == "A provider of somebody else."


@pytest.mark.usefixtures("installed")
def test_a_missing_package_is_named_with_what_to_do() -> None:
    info = siftcore.provider_info("needs-more")
    assert not info.available
    assert info.missing == "no_such_package_of_siftcore"
    available = siftcore.list_providers(available_only=True)
    assert "third" in available
    assert not {"needs-more", "gone", "stale"} & set(available)
    with pytest.raises(MissingDependencyError, match="no_such_package_of_siftcore"):
        siftcore.get_provider("needs-more")
    with pytest.raises(MissingDependencyError, match="no_such_module_of_siftcore"):
        siftcore.get_provider("gone")


@pytest.mark.usefixtures("installed")
def test_a_package_that_cannot_be_loaded_is_named_and_hides_no_other() -> None:
    assert "third" in siftcore.list_providers(available_only=True)
    assert siftcore.provider_info("gone").missing == "no_such_module_of_siftcore"
    assert "Renamed" in str(siftcore.provider_info("stale").missing)
    with pytest.raises(ProviderError, match=r"AttributeError: .*Renamed.*; update the package"):
        siftcore.get_provider("stale")


def test_two_packages_with_one_name_are_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    points = [EntryPoint("x", value, registry.ENTRY_POINT_GROUP) for value in ("a:f", "b:g")]
    monkeypatch.setattr(registry, "entry_points", lambda group: points)
    with pytest.raises(ProviderError, match="a:f and b:g"):
        registry._installed.__wrapped__()


def test_unknown_names_list_the_known() -> None:
    with pytest.raises(UnknownProviderError, match="bicubic-x2, bicubic-x4, dog") as caught:
        siftcore.get_provider("dgo")
    assert caught.value.name == "dgo"


def test_bad_devices_and_options_are_refused() -> None:
    with pytest.raises(ParameterError, match="device"):
        siftcore.get_provider("dog", device="gpu")
    with pytest.raises(ParameterError, match="speed"):
        siftcore.get_provider("dog", speed=2)


@pytest.mark.parametrize("thing", [3, None, object(), Third])
def test_what_is_no_provider_is_refused(thing: object, crop: NDArray[np.uint8]) -> None:
    with pytest.raises(ProviderError, match="build"):
        siftcore.extract(crop, provider=thing)  # type: ignore[arg-type]


@pytest.mark.usefixtures("installed")
def test_only_a_stated_extra_is_advised(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(MissingDependencyError) as caught:
        siftcore.get_provider("needs-more")
    assert "siftcore[" not in str(caught.value)
    monkeypatch.setattr(NeedsMore, "extra", "torch", raising=False)
    with pytest.raises(MissingDependencyError, match=r"siftcore\[torch\]"):
        siftcore.get_provider("needs-more")
