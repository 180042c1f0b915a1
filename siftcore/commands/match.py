"""``siftcore match``: two images."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, cast

import typer

from siftcore.commands.options import (
    Device,
    MaxKeypoints,
    MaxPixels,
    NoMutual,
    Preset,
    Provider,
    Ratio,
    Spread,
    ValueRange,
    app,
    make_providers,
    read_preset,
)

if TYPE_CHECKING:
    from siftcore.verification import Geometry

__all__ = ["match"]


@app.command(
    epilog=(
        "\b\nExamples:\n"
        "  siftcore match query.jpg map.jpg --geometry homography --out matches.png\n"
        "  siftcore match small.png large.png --provider bicubic-x2 --provider-b dog --json m.json"
    )
)
def match(
    image_a: Annotated[Path, typer.Argument(metavar="A", help="First image.")],
    image_b: Annotated[Path, typer.Argument(metavar="B", help="Second image.")],
    provider: Provider = "dog",
    provider_b: Annotated[
        str | None,
        typer.Option("--provider-b", help="Scale space of B, if it differs from A's."),
    ] = None,
    ratio: Ratio = 0.8,
    no_mutual: NoMutual = False,
    max_keypoints: MaxKeypoints = None,
    spread: Spread = False,
    preset: Preset = "default",
    geometry: Annotated[
        str | None,
        typer.Option("--geometry", "-g", help="Verify with: homography or fundamental."),
    ] = None,
    device: Device = "auto",
    value_range: ValueRange = None,
    max_pixels: MaxPixels = None,
    out: Annotated[
        Path | None,
        typer.Option("--out", "-o", help="Draw the matches to this file (.png, .jpg, .webp ...)."),
    ] = None,
    json_path: Annotated[
        Path | None, typer.Option("--json", help="Write points, matches and model to this file.")
    ] = None,
) -> None:
    """Match two images and print the counts.

    --out draws the matches, --json writes the numbers.
    """
    from siftcore import _outputs, _report
    from siftcore.batch.jobs import allow_pixels
    from siftcore.types import MatchResult
    from siftcore.verification import check_geometry, estimate_geometry

    images = (image_a, image_b)
    params = read_preset(preset)
    check_geometry(geometry, None)
    _outputs.check_inputs(images)
    _outputs.check_outputs(images, [out, json_path], picture=out)
    if max_pixels is not None:
        allow_pixels(max_pixels)
    chosen = make_providers((provider, provider_b or provider), device)

    import siftcore

    started = time.perf_counter()
    features_a, features_b = (
        siftcore.extract(
            image,
            provider=scale_space,
            params=params,
            max_keypoints=max_keypoints,
            spread=spread,
            value_range=value_range,
        )
        for image, scale_space in zip(images, chosen, strict=True)
    )
    matches = siftcore.match_features(features_a, features_b, ratio=ratio, mutual=not no_mutual)
    result = MatchResult(features_a, features_b, matches)
    if geometry is not None:
        model, inliers = estimate_geometry(
            result.xy_a, result.xy_b, cast("Geometry", geometry), max_error=None
        )
        result = MatchResult(features_a, features_b, matches, inliers, model)
    seconds = time.perf_counter() - started
    if json_path is not None:
        settings = {
            "ratio": ratio,
            "mutual": not no_mutual,
            "max_keypoints": max_keypoints,
            "spread": spread,
            "preset": preset,
            "geometry": geometry,
            "value_range": value_range,
        }
        _report.write_match_json(json_path, images, result, settings, seconds)
    if out is not None:
        from siftcore.drawing import draw_matches

        _outputs.save_picture(out, draw_matches(image_a, image_b, result, value_range=value_range))
    typer.echo(_report.match_table(images, result, seconds))
