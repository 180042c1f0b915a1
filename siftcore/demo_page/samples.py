"""Sample images that come with the package; `sample_images/README.md` gives their licences."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

__all__ = ["FOLDER", "SAMPLES", "Sample"]

FOLDER = Path(__file__).parent / "sample_images"


class Sample(NamedTuple):
    """One image or two, by what the button says."""

    title: str
    image_a: Path
    image_b: Path | None


SAMPLES = (
    Sample("cameraman, two views", FOLDER / "camera_a.jpg", FOLDER / "camera_b.jpg"),
    Sample("coffee, one image", FOLDER / "coffee.jpg", None),
    Sample("cat, one image", FOLDER / "cat.jpg", None),
)
