"""Scale spaces from networks, by name: ``siftcore.get_provider("method3-x2")``.

siftcore finds the factories below through the entry-point group ``siftcore.providers``. This file
imports torch only when a provider is made.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from siftcore.scalespace.protocol import ScaleSpaceProvider

__all__ = ["make_provider"]

_SUMMARIES = {
    "method1": "Noor et al., Method-1: four networks predict the DoGs",
    "method2": "Noor et al., Method-2: five networks predict the Gaussians",
    "method3": "One network for all levels, small enough for CPUs",
    "srcnn": "SRCNN super-resolution, then Gaussian octaves",
    "vdsr": "VDSR super-resolution, then Gaussian octaves",
    "edsr": "EDSR (baseline size) super-resolution, then Gaussian octaves",
    "srgan": "SRGAN super-resolution, then Gaussian octaves",
}

_VARIANTS = {
    "half": "; of half its published width",
    "large": "; larger, for GPUs",
    "real": "; for noise, blur and compression",
    "tiny": "; the smallest",
}


def make_provider(
    name: str,
    *,
    device: str = "auto",
    precision: str = "auto",
    tile: int | None = None,
    weights: str | Path | None = None,
) -> ScaleSpaceProvider:
    """The provider of a network's weights.

    Parameters
    ----------
    name : str
        Such as ``"method3-x2"``.
    device : {"auto", "cpu", "cuda", "mps"}, default "auto"
    precision : {"auto", "float32", "float16", "bfloat16"}, default "auto"
        ``"auto"`` is half precision on GPUs, single elsewhere.
    tile : int, optional
        Side of a tile in input pixels, by default 512, smaller when memory runs out.
    weights : path, optional
        A weight file or the folder of a run; by default the weights that come with the package.

    Raises
    ------
    WeightsError
        When the weights are missing, damaged or for another network.
    DeviceError
        When the device is not there.
    """
    from dognets.errors import WeightsError
    from dognets.inference import Runner
    from dognets.pretrained import load_model
    from siftcore.scalespace.stack_sr import StackSR
    from siftcore.scalespace.superres import PixelSR

    architecture, _, scale = name.partition("-x")
    path = Path(weights) if weights is not None else _weights_file(name)
    if weights is None and not path.is_file():
        raise WeightsError(
            f"no weights of {name!r} come with this version; train them with "
            f"`dognets train --preset {name}` and pass weights=RUN"
        )
    model, entry = load_model(path)
    if entry.architecture != architecture or not scale.startswith(str(entry.scale)):
        raise WeightsError(
            f"{str(path)!r} is {entry.architecture}-x{entry.scale}; provider {name!r} needs its own"
        )
    runner = Runner(model, device, precision, tile)  # type: ignore[arg-type]
    if model.predicts == "image":
        return PixelSR(
            lambda image: runner(image)[0], scale=model.scale, name=name, reach=model.radius
        )
    # The paper's filters act on an image whose own blur is taken as half a pixel.
    blurs = [(s * s + 0.25) ** 0.5 for s in model.sigmas]
    return StackSR(runner, sigmas=blurs, predicts=model.predicts, scale=model.scale, name=name)


def _weights_file(name: str) -> Path:
    return Path(__file__).parent / "weights" / f"{name}.safetensors"


def _factory(name: str) -> Callable[..., ScaleSpaceProvider]:
    def factory(
        device: str = "auto",
        precision: str = "auto",
        tile: int | None = None,
        weights: str | Path | None = None,
    ) -> ScaleSpaceProvider:
        return make_provider(name, device=device, precision=precision, tile=tile, weights=weights)

    architecture, _, *variant = name.split("-")
    factory.__doc__ = _SUMMARIES[architecture] + "".join(_VARIANTS[word] for word in variant)
    facts: Any = factory
    facts.requires = ("torch", "safetensors")
    facts.extra = "torch"
    facts.absent = lambda: None if _weights_file(name).is_file() else "weights of your own training"
    return factory


method1_x2 = _factory("method1-x2")
method1_x4 = _factory("method1-x4")
method1_x2_half = _factory("method1-x2-half")
method1_x4_half = _factory("method1-x4-half")
method2_x2 = _factory("method2-x2")
method2_x4 = _factory("method2-x4")
method2_x2_half = _factory("method2-x2-half")
method2_x4_half = _factory("method2-x4-half")
method3_x2 = _factory("method3-x2")
method3_x4 = _factory("method3-x4")
method3_x2_tiny = _factory("method3-x2-tiny")
method3_x4_tiny = _factory("method3-x4-tiny")
method3_x2_large = _factory("method3-x2-large")
method3_x4_large = _factory("method3-x4-large")
method3_x2_real = _factory("method3-x2-real")
method3_x4_real = _factory("method3-x4-real")
srcnn_x2 = _factory("srcnn-x2")
srcnn_x4 = _factory("srcnn-x4")
vdsr_x2 = _factory("vdsr-x2")
vdsr_x4 = _factory("vdsr-x4")
edsr_x2 = _factory("edsr-x2")
edsr_x4 = _factory("edsr-x4")
edsr_x2_half = _factory("edsr-x2-half")
edsr_x4_half = _factory("edsr-x4-half")
srgan_x2 = _factory("srgan-x2")
srgan_x4 = _factory("srgan-x4")
