"""Structure from motion by COLMAP from our features, beside COLMAP's own SIFT.

Each program fills a database at the settings of the preset ``colmap``; pycolmap then verifies
the matches and maps incrementally, alike for all of them.
"""

from __future__ import annotations

import itertools
import tempfile
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple

import siftcore
from bench.report import Report
from dognets.data.images import find_images
from siftcore.errors import InputError, MissingDependencyError
from siftcore.io.colmap_database import ColmapDatabase

__all__ = ["COLUMNS", "Model", "run"]

COLUMNS = (
    "features, matches",
    "images registered",
    "keypoints an image",
    "verified matches",
    "points",
    "observations",
    "track length",
    "reprojection error (px)",
)
_RATIO = 0.8


class Model(NamedTuple):
    """One row of the table, after the name."""

    registered: int
    keypoints: float
    verified: int
    points: int
    observations: int
    track_length: float
    error: float


def run(folder: Path, max_keypoints: int, seed: int) -> Report:
    """Reconstruct the images of a folder from our features and from pycolmap's.

    Parameters
    ----------
    folder : path
        Photographs of one scene.
    max_keypoints : int
        Of each image; ours the strongest, pycolmap's the largest.
    seed : int
        Of pycolmap's random samples.

    Returns
    -------
    Report

    Raises
    ------
    InputError
        With fewer than two images.
    MissingDependencyError
        Without pycolmap.
    """
    if find_spec("pycolmap") is None:
        raise MissingDependencyError("pycolmap", "reconstruction", "colmap")
    images = find_images(folder)
    if len(images) < 2:
        raise InputError(f"a reconstruction needs two images; {str(folder)!r} has {len(images)}")
    import pycolmap

    pycolmap.logging.minloglevel = 2
    pycolmap.set_random_seed(seed)
    settings = {"folder": folder.name, "images": len(images), "max_keypoints": max_keypoints}
    report = Report("reconstruction", {**settings, "seed": seed, "pycolmap_threads": 1})
    table = report.table(f"Incremental mapping of {folder.name}, {len(images)} images", *COLUMNS)
    programs: dict[str, Callable[[Path], None]] = {
        "siftcore, siftcore": lambda path: _ours(path, folder, images, max_keypoints, True),
        "siftcore, pycolmap": lambda path: _ours(path, folder, images, max_keypoints, False),
        "pycolmap, pycolmap": lambda path: _theirs(path, folder, max_keypoints),
    }
    for name, fill in programs.items():
        with tempfile.TemporaryDirectory() as place:
            database = Path(place) / "database.db"
            fill(database)
            table.add(name, *_mapped(database, folder, Path(place), seed))
    report.notes += [
        "All at the preset `colmap` (RootSIFT; COLMAP's own defaults). Cameras are those that "
        "pycolmap infers from each file. siftcore's matches: ratio 0.8, mutual, exact; pycolmap's "
        "add a limit of 0.7 on the distance. The largest model counts. "
        "pycolmap's limit of keypoints lets more than that through, ours is exact.",
    ]
    return report


def _ours(path: Path, folder: Path, images: list[Path], max_keypoints: int, matched: bool) -> None:
    import pycolmap

    features = {}
    with ColmapDatabase(path) as database:
        for image in images:
            camera = pycolmap.infer_camera_from_image(image)
            # Parameters that are given count as known; what pycolmap only guesses, we guess too.
            known = camera.params if camera.has_prior_focal_length else None
            number = database.add_camera(camera.width, camera.height, camera.model.name, known)
            image_id = database.add_image(image.relative_to(folder).as_posix(), number)
            features[image_id] = siftcore.extract(
                image, params="colmap", max_keypoints=max_keypoints
            )
            database.write_features(image_id, features[image_id])
        if matched:
            for a, b in itertools.combinations(features, 2):
                matches = siftcore.match_features(features[a], features[b], ratio=_RATIO)
                database.write_matches(a, b, matches.indices)
    if matched:
        options = pycolmap.GeometricVerifierOptions()
        options.num_threads = 1
        pycolmap.geometric_verification(path, verifier_options=options)
    else:
        _match(path)


def _theirs(path: Path, folder: Path, max_keypoints: int) -> None:
    import pycolmap

    options = pycolmap.FeatureExtractionOptions()
    options.use_gpu = False
    options.num_threads = 1
    options.sift.max_num_features = max_keypoints
    pycolmap.extract_features(
        path,
        folder,
        camera_mode=pycolmap.CameraMode.PER_IMAGE,
        extraction_options=options,
        device=pycolmap.Device.cpu,
    )
    _match(path)


def _match(path: Path) -> None:
    import pycolmap

    options = pycolmap.FeatureMatchingOptions()
    options.use_gpu = False
    options.num_threads = 1
    pycolmap.match_exhaustive(path, matching_options=options, device=pycolmap.Device.cpu)


def _mapped(path: Path, folder: Path, place: Path, seed: int) -> Model:
    import pycolmap

    options = pycolmap.IncrementalPipelineOptions()
    options.random_seed = seed
    options.num_threads = 1
    # Ten photographs may be all there are, and COLMAP drops models of fewer.
    options.min_model_size = 3
    models = pycolmap.incremental_mapping(path, folder, place / "model", options)
    database: Any = pycolmap.Database.open(path)
    try:
        keypoints = database.num_keypoints() / max(database.num_images(), 1)
        verified = database.num_inlier_matches()
    finally:
        database.close()
    if not models:
        return Model(0, keypoints, verified, 0, 0, float("nan"), float("nan"))
    best = max(models.values(), key=lambda model: model.num_reg_images())
    return Model(
        best.num_reg_images(),
        keypoints,
        verified,
        best.num_points3D(),
        best.compute_num_observations(),
        best.compute_mean_track_length(),
        best.compute_mean_reprojection_error(),
    )
