"""Networks as ONNX files."""

from __future__ import annotations

import contextlib
import io
import logging
import warnings
from collections.abc import Iterator
from pathlib import Path

import torch

from dognets.models import SuperResolver
from siftcore.errors import MissingDependencyError
from siftcore.io.atomic import atomic_write, check_writable

__all__ = ["export_onnx"]

OPSET = 18


@contextlib.contextmanager
def _quiet_exporter() -> Iterator[None]:
    """The exporter warns and logs about parts of its own that no network here uses."""
    logger = logging.getLogger("torch.onnx")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.setLevel(level)


def export_onnx(model: SuperResolver, path: str | Path) -> None:
    """Write `model` for inputs ``low`` (B, 1, H, W) float32 of any size; its output is ``high``.

    As within `Runner`, the border is best made by mirroring `SuperResolver.radius` samples around
    the image and cutting them off the result.

    Raises
    ------
    MissingDependencyError
        When the packages that write ONNX are not installed.
    OutputError
        When the file cannot be written.
    """
    from importlib.util import find_spec

    for package in ("onnx", "onnxscript"):
        if find_spec(package) is None:
            raise MissingDependencyError(package, "the ONNX export", "onnx")
    # Before the work, which takes a while.
    check_writable(path)
    example = torch.rand(2, 1, 24, 32)
    axes = {0: torch.export.Dim("batch"), 2: torch.export.Dim("H"), 3: torch.export.Dim("W")}
    stream = io.BytesIO()
    with _quiet_exporter():
        program = torch.onnx.export(
            model.eval(),
            (example,),
            input_names=["low"],
            output_names=["high"],
            dynamic_shapes=(axes,),
            opset_version=OPSET,
            dynamo=True,
            verbose=False,
        )
        assert program is not None
        program.save(stream)
    with atomic_write(path) as temporary:
        temporary.write_bytes(stream.getvalue())
