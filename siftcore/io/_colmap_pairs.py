"""What a COLMAP database says of two images: matches, and verified ones with their model."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from siftcore.errors import InputError
from siftcore.io._colmap_file import ColmapFile
from siftcore.io._colmap_schema import pair_id

__all__ = ["ColmapPairs"]


class ColmapPairs(ColmapFile):
    """Matches in the file; `ColmapDatabase` adds images and features."""

    def write_matches(self, image_a: int, image_b: int, indices: ArrayLike) -> None:
        """Write or replace the matches of two images, not yet verified.

        Parameters
        ----------
        image_a, image_b : int
            Numbers of the images.
        indices : array_like, (M, 2)
            `Matches.indices`: rows in the features of `image_a` and of `image_b`.
        """
        pair, rows = self._pair(image_a, image_b, indices)
        self.write_array("matches", "pair_id", pair, rows)

    def read_matches(self, image_a: int, image_b: int) -> NDArray[np.int32]:
        """Rows in the features of `image_a` and of `image_b`, (M, 2); none if none are stored."""
        return self._read_pair("matches", image_a, image_b)

    def write_two_view_geometry(
        self,
        image_a: int,
        image_b: int,
        indices: ArrayLike,
        *,
        homography: ArrayLike | None = None,
        fundamental: ArrayLike | None = None,
    ) -> None:
        """Write or replace verified matches of two images, with the model that verified them.

        Reconstruction starts from these; ``pycolmap.geometric_verification`` writes them too.

        Parameters
        ----------
        image_a, image_b : int
            Numbers of the images.
        indices : array_like, (M, 2)
            The inliers among `Matches.indices`.
        homography, fundamental : array_like, (3, 3)
            One of them, from a to b in siftcore's pixels, as `siftcore.match` returns it.
        """
        if (homography is None) == (fundamental is None):
            raise InputError("a two-view geometry needs a homography or a fundamental matrix")
        pair, rows = self._pair(image_a, image_b, indices)
        shift = np.array([[1.0, 0.0, 0.5], [0.0, 1.0, 0.5], [0.0, 0.0, 1.0]])
        back = np.linalg.inv(shift)
        swapped = pair_id(image_a, image_b)[1]
        model: NDArray[Any]
        if homography is not None:
            model = shift @ np.asarray(homography, np.float64).reshape(3, 3) @ back
            model = np.linalg.inv(model) if swapped else model
            extra: dict[str, Any] = {"config": 6, "H": model.tobytes()}
        else:
            model = back.T @ np.asarray(fundamental, np.float64).reshape(3, 3) @ back
            model = np.ascontiguousarray(model.T) if swapped else model
            extra = {"config": 3, "F": model.tobytes()}
        self.write_array("two_view_geometries", "pair_id", pair, rows, **extra)

    def read_inliers(self, image_a: int, image_b: int) -> NDArray[np.int32]:
        """Verified matches of two images, (M, 2) rows; none if none are stored."""
        return self._read_pair("two_view_geometries", image_a, image_b)

    def _pair(
        self, image_a: int, image_b: int, indices: ArrayLike
    ) -> tuple[int, NDArray[np.uint32]]:
        pair, swapped = pair_id(image_a, image_b)
        rows = np.asarray(indices, np.int64).reshape(-1, 2)
        for column, image in enumerate((image_a, image_b)):
            self.check_image(image)
            count = self.select_one("SELECT rows FROM keypoints WHERE image_id = ?", image) or (0,)
            if len(rows) and not (0 <= rows[:, column].min() <= rows[:, column].max() < count[0]):
                raise InputError(
                    f"matches name keypoints {rows[:, column].min()} to {rows[:, column].max()} of "
                    f"image {image}, which has {count[0]}"
                )
        return pair, np.ascontiguousarray(rows[:, ::-1] if swapped else rows, np.dtype("<u4"))

    def _read_pair(self, table: str, image_a: int, image_b: int) -> NDArray[np.int32]:
        pair, swapped = pair_id(image_a, image_b)
        if self.select_one(f"SELECT 1 FROM {table} WHERE pair_id = ?", pair) is None:
            return np.zeros((0, 2), np.int32)
        where = f"{table} of images {image_a} and {image_b} in {self._path!r}"
        rows = self.read_array(table, "pair_id", pair, "<u4", where)
        if rows.size and (rows.shape[1] != 2 or rows.max() > np.iinfo(np.int32).max):
            raise InputError(f"{where} are no pairs of rows; the database is damaged")
        rows = rows.reshape(-1, 2)
        return np.ascontiguousarray(rows[:, ::-1] if swapped else rows, np.int32)
