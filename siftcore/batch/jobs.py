"""What is done to each image of a batch, wherever that happens."""

from __future__ import annotations

import os
from collections.abc import Callable, Generator, Iterable
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from siftcore.errors import ImageReadError, SiftError
from siftcore.params import SiftParams

if TYPE_CHECKING:
    from siftcore.types import Features

__all__ = ["Extractor", "Job", "Refused", "Results", "Task", "extract_here", "usable_cores"]


@dataclass(frozen=True)
class Refused:
    """Why an image gave no features."""

    reason: str


# In any order, each image's number with what came of it.
Results = Generator["tuple[int, Features | Refused]", None, None]
# The number of an image, and its path.
Task = tuple[int, str]
Extractor = Callable[[str], "Features | Refused"]


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
    """

    provider: str = "dog"
    device: str = "auto"
    params: SiftParams = field(default_factory=SiftParams)
    max_keypoints: int | None = None
    spread: bool = False

    def settings(self) -> dict[str, Any]:
        """The settings as JSON has them."""
        return asdict(self)

    def prepare(self) -> Extractor:
        """Make the provider and return the function that takes an image's path.

        It returns `Refused` where the image is at fault, whatever went wrong: one image out of
        millions must not end the others.
        """
        import siftcore

        provider = siftcore.get_provider(self.provider, device=self.device)

        def extract(path: str) -> Features | Refused:
            try:
                return siftcore.extract(
                    path,
                    provider=provider,
                    params=self.params,
                    max_keypoints=self.max_keypoints,
                    spread=self.spread,
                )
            except ImageReadError as error:
                return Refused(error.reason)
            except SiftError as error:
                return Refused(str(error))
            except MemoryError:
                return Refused("not enough memory; use fewer workers, or a smaller image")
            except Exception as error:
                return Refused(f"{type(error).__name__}: {error}")

        return extract


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
