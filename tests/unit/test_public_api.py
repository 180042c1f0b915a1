"""The names, signatures and import costs that others rely on."""

from __future__ import annotations

import inspect
import subprocess
import sys

import pytest

import siftcore

SIGNATURES = {
    "extract": ["image", "provider", "params", "mask", "max_keypoints", "spread", "value_range"],
    "match": [
        "image_a", "image_b", "provider", "ratio", "mutual", "params", "max_keypoints",
        "geometry", "value_range", "max_error",
    ],
    "match_descriptors": ["descriptors_a", "descriptors_b", "ratio", "mutual", "approximate"],
    "match_features": ["features_a", "features_b", "ratio", "mutual", "approximate"],
    "describe": ["image", "xy", "sigma", "angle", "provider", "params", "value_range"],
    "get_provider": ["name", "device", "options"],
    "list_providers": ["available_only"],
}  # fmt: skip


def test_every_public_name_can_be_had() -> None:
    assert siftcore.__all__ == sorted(siftcore.__all__)
    for name in siftcore.__all__:
        assert getattr(siftcore, name) is not None
        assert name in dir(siftcore)


@pytest.mark.parametrize("name", SIGNATURES)
def test_signatures(name: str) -> None:
    assert list(inspect.signature(getattr(siftcore, name)).parameters) == SIGNATURES[name]


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'extrct'"):
        siftcore.extrct  # noqa: B018


@pytest.mark.parametrize("name", sorted(set(siftcore.__all__) - {"__version__"}))
def test_public_objects_are_documented(name: str) -> None:
    assert inspect.getdoc(getattr(siftcore, name))


def _modules_after(code: str) -> set[str]:
    program = f"{code}\nimport sys\nprint(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True)
    return set(done.stdout.decode().split())


def test_import_loads_nothing_heavy() -> None:
    loaded = _modules_after("import siftcore")
    assert "siftcore" in loaded
    assert not loaded & {"numpy", "numba", "torch", "PIL", "dognets"}


def test_a_whole_match_loads_no_torch() -> None:
    code = (
        "import numpy as np, siftcore\n"
        "image = np.random.default_rng(0).random((48, 48))\n"
        "siftcore.match(image, image)\n"
        "for name in siftcore.list_providers():\n"
        "    if not siftcore.provider_info(name).requires: siftcore.get_provider(name)"
    )
    loaded = _modules_after(code)
    assert "siftcore.pipeline" in loaded
    assert not loaded & {"torch", "safetensors", "poselib", "h5py", "skimage"}


def test_importing_starts_no_threading_layer_of_numba() -> None:
    code = (
        "import numpy as np, siftcore, numba\n"
        "siftcore.extract(np.zeros((48, 48)))\n"
        "try: numba.threading_layer()\n"
        "except ValueError: print('NONE')\n"
    )
    assert "NONE" in _modules_after(code)


def test_a_forked_child_can_extract() -> None:
    code = (
        "import multiprocessing, numpy as np, siftcore\n"
        "image = np.random.default_rng(0).random((96, 96))\n"
        "def count(_): return len(siftcore.extract(image))\n"
        "here = count(0)\n"
        "assert here > 0\n"
        "with multiprocessing.get_context('fork').Pool(2) as pool:\n"
        "    assert pool.map(count, range(4)) == [here] * 4\n"
    )
    if sys.platform == "win32":
        code = code.split("with")[0]
    subprocess.run([sys.executable, "-W", "ignore", "-c", code], check=True, timeout=120)


def test_errors_are_also_builtin_errors() -> None:
    for name in siftcore.__all__:
        value = getattr(siftcore, name)
        if inspect.isclass(value) and issubclass(value, siftcore.SiftError):
            builtin = issubclass(value, (ValueError, TypeError))
            assert builtin or value is siftcore.SiftError, name
