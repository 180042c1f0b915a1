"""What is done to each image of a batch, wherever that happens."""

from __future__ import annotations

import os
from collections.abc import Callable, Generator, Iterable
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

from siftcore.errors import ImageReadError, SiftError
from siftcore.params import SiftParams

if TYPE_CHECKING:
    from siftcore.types import Features

__all__ = [
    "Extractor",
    "Job",
    "MaskedImage",
    "Refused",
    "Results",
    "Source",
    "Task",
    "allow_pixels",
    "extract_here",
    "usable_cores",
]


@dataclass(frozen=True)
class Refused:
    """Why an image gave no features."""

    reason: str


class MaskedImage(NamedTuple):
    """Paths of an image and of its mask."""

    path: str
    mask: str


# What a worker is sent: the path of an image, or also that of its mask.
Source = str | MaskedImage
# In any order, each image's number with what came of it.
Results = Generator["tuple[int, Features | Refused]", None, None]
# The number of an image, and its path.
Task = tuple[int, Source]
Extractor = Callable[[Any], "Features | Refused"]


@dataclass(frozen=True)
class Job:
    """Settings of a batch.

    Attributes
    ----------
    provider : str
        Name of the scale space. Each worker makes it once, so it must be built in or installed.
    device : str
        Where networks run.
    params : SiftParams
    max_keypoints : int or None
    spread : bool
        As for `siftcore.extract`.
    masks : str or None
        Folder of the masks. That of the image ``a/b.jpg`` is ``a/b.jpg.png`` in it, as in COLMAP.
    value_range : (float, float) or None
        As for `siftcore.extract`.
    max_pixels : int or None
        Largest image that is read; None leaves Pillow's limit.
    """

    provider: str = "dog"
    device: str = "auto"
    params: SiftParams = field(default_factory=SiftParams)
    max_keypoints: int | None = None
    spread: bool = False
    masks: str | None = None
    value_range: tuple[float, float] | None = None
    max_pixels: int | None = None

    def settings(self) -> dict[str, Any]:
        """The settings as JSON has them."""
        return asdict(self)

    def source(self, name: str, path: str) -> Source:
        """What a worker is sent of an image, by its name and path."""
        path = os.path.abspath(path)
        return path if self.masks is None else MaskedImage(path, _mask_path(self.masks, name))

    def prepare(self) -> Extractor:
        """Make the provider and return the function that takes an image's path.

        It returns `Refused` where the image is at fault, whatever went wrong: one image out of
        millions must not end the others.
        """
        import siftcore

        if self.max_pixels is not None:
            allow_pixels(self.max_pixels)
        provider = siftcore.get_provider(self.provider, device=self.device)

        def extract(source: Source) -> Features | Refused:
            path, mask = source if isinstance(source, MaskedImage) else (source, None)
            try:
                return siftcore.extract(
                    path,
                    provider=provider,
                    params=self.params,
                    mask=mask,
                    value_range=self.value_range,
                    max_keypoints=self.max_keypoints,
                    spread=self.spread,
                )
            except ImageReadError as error:
                return Refused(error.reason if error.path == path else str(error))
            except SiftError as error:
                return Refused(str(error))
            except MemoryError:
                return Refused("not enough memory; use fewer workers, or a smaller image")
            except Exception as error:
                return Refused(f"{type(error).__name__}: {error}")

        return extract


def allow_pixels(count: int) -> None:
    """Raise Pillow's limit on the size of an image, for this whole process."""
    from PIL import Image

    Image.MAX_IMAGE_PIXELS = count


def _mask_path(folder: str, name: str) -> str:
    path = os.path.abspath(os.path.join(folder, name))
    # COLMAP also takes the mask of a PNG by its own name.
    if name.lower().endswith(".png") and not os.path.exists(f"{path}.png"):
        return path
    return f"{path}.png"


def extract_here(job: Job, tasks: Iterable[Task]) -> Results:
    """Do all tasks in this process, in their order."""
    extract = job.prepare()
    for index, path in tasks:
        yield index, extract(path)


def usable_cores() -> int:
    """Cores that this process may run on: fewer than there are in a container or under SLURM."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
