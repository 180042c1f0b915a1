"""How networks learned: one picture of the validation curves of many runs."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import EngFormatter
from numpy.typing import NDArray

from siftcore.errors import InputError
from siftcore.io.atomic import atomic_write

__all__ = ["draw", "read_curves"]

# Below this, the beginnings of networks that start at random would flatten all the rest.
LOWEST_DB = -2.0
Curves = Mapping[str, NDArray[np.float64]]


def read_curves(folder: Path) -> dict[str, NDArray[np.float64]]:
    """Updates and the gain on D1, by the name of the run.

    Parameters
    ----------
    folder : path
        Of ``NAME.csv`` as a run's ``validation.csv``.

    Returns
    -------
    dict of str to ndarray, (2, validations) float64
        Updates; gain in DoG PSNR over bicubic enlargement, dB.

    Raises
    ------
    InputError
        When there is none, or one is damaged.
    """
    curves = {}
    for path in sorted(folder.glob("*.csv")):
        try:
            rows = np.atleast_1d(np.genfromtxt(path, delimiter=",", names=True))
            curves[path.stem] = np.stack([rows["step"], rows["gain_D1"]])
        except (ValueError, IndexError) as error:
            raise InputError(
                f"{str(path)!r} is no validation.csv of a run: {error}; it needs the columns step "
                "and gain_D1"
            ) from error
        if not np.isfinite(curves[path.stem]).all():
            raise InputError(f"{str(path)!r} holds values that are no numbers; train again")
    if not curves:
        raise InputError(f"no curve (NAME.csv) in {str(folder)!r}")
    return curves


def draw(folder: Path, out: Path) -> None:
    """Write the picture of all curves in `folder`: a panel each for x2, x4 and spoilt images."""
    panels: dict[str, dict[str, NDArray[np.float64]]] = {}
    for name, curve in read_curves(folder).items():
        scale = "x4" if "-x4" in name else "x2"
        title = "spoilt reductions" if name.endswith("-real") else f"clean reductions, {scale}"
        panels.setdefault(title, {})[name] = curve
    figure = Figure(figsize=(5.2 * len(panels), 4.6), dpi=130, layout="constrained")
    axes = figure.subplots(1, len(panels), squeeze=False)[0]
    for panel, (title, curves) in zip(axes, sorted(panels.items()), strict=True):
        _draw_panel(panel, title, curves)
    with atomic_write(out) as temporary:
        figure.savefig(temporary, format="png", metadata={"Software": None})


def _draw_panel(axes: Axes, title: str, curves: Curves) -> None:
    ranked = sorted(curves.items(), key=lambda item: -item[1][1, -1])
    for i, (name, (steps, gain)) in enumerate(ranked):
        style = "-" if name.startswith("method3") else "--"
        label = f"{name}  {gain[-1]:+.2f}"
        axes.plot(steps, gain, style, marker="o", markersize=3, color=f"C{i}", label=label)
    lowest = min(gain.min() for _, gain in curves.values())
    if lowest < LOWEST_DB:
        axes.set_ylim(bottom=LOWEST_DB)
    axes.set_title(title, loc="left")
    axes.set_xlabel("updates")
    axes.set_ylabel("gain on D1 over bicubic, validation images, dB")
    axes.xaxis.set_major_formatter(EngFormatter(sep=""))
    axes.grid(alpha=0.3)
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False, loc="lower right", fontsize=8)
