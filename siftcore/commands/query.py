"""``siftcore query``: the images of an index that show what other images show."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, cast

import typer

from siftcore.commands.options import (
    Device,
    MaxKeypoints,
    Preset,
    Provider,
    Spread,
    app,
    make_providers,
    read_preset,
)

if TYPE_CHECKING:
    from siftcore.verification import Geometry

__all__ = ["query"]


@app.command(
    epilog="\b\nExample:\n  siftcore query collection.index small.jpg --provider method3-x2 --top 5"
)
def query(
    index: Annotated[Path, typer.Argument(metavar="INDEX", help="Folder of siftcore index.")],
    images: Annotated[list[Path], typer.Argument(metavar="IMAGE...", help="What to look for.")],
    provider: Provider = "dog",
    top: Annotated[int, typer.Option("--top", min=1, help="Images that are listed.")] = 10,
    verify: Annotated[
        int, typer.Option("--verify", min=0, help="Candidates that are verified; 0 for none.")
    ] = 20,
    model: Annotated[
        str,
        typer.Option("--geometry", "-g", "--model", help="Verify with: homography or fundamental."),
    ] = "homography",
    neighbours: Annotated[
        int,
        typer.Option(
            "--neighbours", min=1, max=1000, help="Nearest descriptors that each one votes for."
        ),
    ] = 10,
    max_keypoints: MaxKeypoints = None,
    spread: Spread = False,
    preset: Preset = "default",
    device: Device = "auto",
    json_path: Annotated[
        Path | None, typer.Option("--json", help="Write the ranking and the models to this file.")
    ] = None,
    draw: Annotated[
        Path | None,
        typer.Option("--draw", help="Draw each query's matches with its first into this folder."),
    ] = None,
    root: Annotated[
        Path, typer.Option("--images", help="Folder of the collection's images, for --draw.")
    ] = Path(),
) -> None:
    """Find the images of an index that show what the given ones show.

    The provider may differ from the collection's: a super-resolving one suits a small query.
    """
    from siftcore import _outputs, _ranking
    from siftcore.errors import InputError
    from siftcore.retrieval import ImageIndex, verify_candidates
    from siftcore.retrieval.verify import match_candidate
    from siftcore.verification import check_geometry

    params = read_preset(preset)
    geometry = cast("Geometry", model)
    if verify or draw is not None:
        check_geometry(model, None)
    _outputs.check_inputs(images)
    _outputs.check_outputs(images, [json_path])
    # Before the pictures' folders are made.
    collection = ImageIndex.load(index)
    if collection.settings.root == (params.descriptor == "rootsift"):
        holds, needs = "RootSIFT", "--preset colmap"
        if collection.settings.root:
            holds, needs = "plain SIFT", "another preset"
        raise InputError(
            f"the index {str(index)!r} was built from {holds}, but preset {preset!r} gives "
            f"{params.descriptor}; use {needs}"
        )
    pictures = None
    if draw is not None:
        names = _outputs.image_names(images)
        used = [*images, *([] if json_path is None else [json_path])]
        pictures = _outputs.picture_paths(draw, names, used)
    (chosen,) = make_providers((provider,), device)

    import siftcore

    found = []
    for number, image in enumerate(images):
        started = time.perf_counter()
        features = siftcore.extract(
            image, provider=chosen, params=params, max_keypoints=max_keypoints, spread=spread
        )
        extracted = time.perf_counter()
        ranked = collection.query(features, max(top, verify), neighbours)
        searched = time.perf_counter()
        if verify:
            ranked = verify_candidates(collection, features, ranked, geometry, verify)
        times = {
            "extract": extracted - started,
            "search": searched - extracted,
            "verify": time.perf_counter() - searched,
        }
        answer = _ranking.Answer(image, features, ranked[:top], times)
        found.append(answer)
        typer.echo(("\n" if number else "") + _ranking.ranking_table(answer))
        if pictures is not None and ranked:
            from siftcore.drawing import draw_matches

            name = ranked[0].name
            if not (root / name).is_file():
                raise InputError(
                    f"cannot draw: there is no image {str(root / name)!r}; name the folder of the "
                    "collection's images with --images"
                )
            matched = match_candidate(collection, features, name, geometry)
            _outputs.save_picture(pictures[number], draw_matches(image, root / name, matched))
    if json_path is not None:
        settings = {
            "index": index.as_posix(),
            "provider": provider,
            "preset": preset,
            "max_keypoints": max_keypoints,
            "spread": spread,
            "top": top,
            "verify": verify,
            "model": model if verify else None,
            "neighbours": neighbours,
        }
        _ranking.write_ranking_json(json_path, found, settings)
