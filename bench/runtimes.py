"""A network alone, run by PyTorch in either precision and by ONNX Runtime."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

import numba
import numpy as np

from bench.report import Report
from bench.timing import PAUSE, median_ms
from siftcore.errors import InputError, MissingDependencyError

__all__ = ["run"]

_PROGRAMS = ("torch, float32", "torch, bfloat16", "ONNX Runtime")
# What inference adds around an image.
_BORDER = 8


def run(networks: Sequence[str], width: int, height: int, runs: int) -> Report:
    """Time the networks on one image, interleaved.

    Parameters
    ----------
    networks : sequence of str
        Names of weights that come with the package.
    width, height : int
        Of the input.
    runs : int
        Timed runs of each, after one that is not counted.

    Raises
    ------
    MissingDependencyError
        Without torch, onnx or onnxruntime.
    InputError
        For a name without weights.
    """
    threads = numba.get_num_threads()
    report = Report("runtimes", {"size": f"{width}x{height}", "runs": runs, "threads": threads})
    table = report.table(
        "The network alone, ms",
        "network", *_PROGRAMS, "bfloat16 over float32", "ONNX Runtime over float32",
    )  # fmt: skip
    rng = np.random.default_rng(0)
    shape = (1, 1, height + 2 * _BORDER, width + 2 * _BORDER)
    image = rng.random(shape, dtype=np.float32)
    for name in networks:
        programs = _programs(name, image, threads)
        single, half, other = median_ms(programs, runs, pause=PAUSE).values()
        table.add(name, single, half, other, half / single, other / single)
    report.notes.append(
        "Channels last in PyTorch. bfloat16 is fast on processors that compute in it, and slow on "
        "others."
    )
    return report


def _programs(name: str, image: np.ndarray, threads: int) -> dict[str, Callable[[], object]]:
    try:
        import onnx  # noqa: F401 - the exporter wants it
        import onnxruntime
        import torch
    except ImportError as error:
        raise MissingDependencyError(str(error.name), "bench runtimes", "test") from None
    from dognets.export import export_onnx
    from dognets.pretrained import WEIGHTS_FOLDER, load_model

    path = WEIGHTS_FOLDER / f"{name}.safetensors"
    if not path.exists():
        raise InputError(f"no weights for {name!r} come with the package; see `dognets weights`")
    torch.set_num_threads(threads)
    model, _ = load_model(path)
    model = model.eval().to(memory_format=torch.channels_last)
    low = torch.from_numpy(image).to(memory_format=torch.channels_last)
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "network.onnx"
        export_onnx(model, file)
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        session = onnxruntime.InferenceSession(
            file.read_bytes(), options, providers=["CPUExecutionProvider"]
        )

    def single() -> object:
        with torch.inference_mode():
            return model(low)

    def half() -> object:
        with torch.inference_mode(), torch.autocast("cpu", torch.bfloat16):
            return model(low)

    def other() -> object:
        return session.run(None, {session.get_inputs()[0].name: image})

    return dict(zip(_PROGRAMS, (single, half, other), strict=True))
