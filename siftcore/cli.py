"""The command ``siftcore``: match two images, extract many, list the providers.

Whatever goes wrong is one line on stderr, ``error: ...``, and exit code 2; an interrupt is 130.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, cast

import typer

from siftcore import __version__
from siftcore._cli_errors import keep_interrupts, make_app

if TYPE_CHECKING:
    from siftcore.params import SiftParams
    from siftcore.types import Features
    from siftcore.verification import Geometry

__all__ = ["app", "main"]

app = make_app()

_Provider = Annotated[
    str, typer.Option("--provider", "-p", help="Scale space: see 'siftcore providers'.")
]
_MaxKeypoints = Annotated[
    int | None,
    typer.Option("--max-keypoints", "-n", min=1, help="Keep the strongest N of each image."),
]
_Spread = Annotated[
    bool, typer.Option("--spread", help="Pick those N over a grid instead of by strength alone.")
]
_Preset = Annotated[
    str, typer.Option("--preset", help="Settings: default, opencv, colmap or paper.")
]
_Device = Annotated[str, typer.Option("--device", help="Where networks run: auto, cpu, cuda, mps.")]


@app.callback(invoke_without_command=True)
def _root(
    context: typer.Context,
    version: Annotated[
        bool, typer.Option("--version", help="Print the version and exit.", is_eager=True)
    ] = False,
) -> None:
    """SIFT keypoints and matches, with a classical or a super-resolved scale space.

    Example: siftcore match a.png b.png --geometry homography --out matches.png
    """
    if version:
        typer.echo(f"siftcore {__version__}")
    elif context.invoked_subcommand is None:
        typer.echo(context.get_help())


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
    provider: _Provider = "dog",
    provider_b: Annotated[
        str | None,
        typer.Option("--provider-b", help="Scale space of B, where it differs from A's."),
    ] = None,
    ratio: Annotated[
        float,
        typer.Option(
            "--ratio", min=0.0, max=1.0, help="Largest nearest over second-nearest distance."
        ),
    ] = 0.8,
    no_mutual: Annotated[
        bool, typer.Option("--no-mutual", help="Keep matches that hold in one direction only.")
    ] = False,
    max_keypoints: _MaxKeypoints = None,
    spread: _Spread = False,
    preset: _Preset = "default",
    geometry: Annotated[
        str | None,
        typer.Option("--geometry", "-g", help="Verify with: homography or fundamental."),
    ] = None,
    device: _Device = "auto",
    out: Annotated[
        Path | None,
        typer.Option("--out", "-o", help="Draw the matches to this file (.png, .jpg, .webp ...)."),
    ] = None,
    json_path: Annotated[
        Path | None, typer.Option("--json", help="Write points, matches and model to this file.")
    ] = None,
) -> None:
    """Match two images. The counts are printed; a picture and the numbers are written on demand."""
    from siftcore import _outputs, _report
    from siftcore.types import MatchResult
    from siftcore.verification import check_geometry, estimate_geometry

    images = (image_a, image_b)
    params = _params(preset)
    check_geometry(geometry, None)
    _outputs.check_inputs(images)
    _outputs.check_outputs(images, [out, json_path], picture=out)
    chosen = _providers((provider, provider_b or provider), device)

    import siftcore

    started = time.perf_counter()
    features_a, features_b = (
        siftcore.extract(
            image, provider=scale_space, params=params, max_keypoints=max_keypoints, spread=spread
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
        }
        _report.write_match_json(json_path, images, result, settings, seconds)
    if out is not None:
        from siftcore.drawing import draw_matches

        _outputs.save_picture(out, draw_matches(image_a, image_b, result))
    typer.echo(_report.match_table(images, result, seconds))


@app.command(
    epilog=(
        "\b\nExample:\n  siftcore extract photos/*.jpg -o features.h5 --max-keypoints 4000 --spread"
    )
)
def extract(
    images: Annotated[list[Path], typer.Argument(metavar="IMAGE...", help="Images.")],
    output: Annotated[
        Path, typer.Option("--output", "-o", help="The HDF5 file to write, in hloc's layout.")
    ],
    provider: _Provider = "dog",
    max_keypoints: _MaxKeypoints = None,
    spread: _Spread = False,
    preset: _Preset = "default",
    device: _Device = "auto",
    draw: Annotated[
        Path | None,
        typer.Option("--draw", help="Also draw each image's keypoints into this folder."),
    ] = None,
) -> None:
    """Extract features into one HDF5 file. Its layout is hloc's.

    An image's name in the file is its path as given, without a leading "/" or "../". The file
    appears when all images are done; on any error nothing is written.
    """
    from siftcore import _outputs, _report

    params = _params(preset)
    names = _outputs.image_names(images)
    _outputs.check_inputs(images)
    _outputs.check_outputs(images, [output])
    pictures = None if draw is None else _outputs.picture_paths(draw, names)
    (chosen,) = _providers((provider,), device)

    import siftcore
    from siftcore.io.hdf5 import write_features

    counts: list[int] = []

    def features() -> Iterator[tuple[str, Features]]:
        with _report.progress(len(images)) as advance:
            for index, (image, name) in enumerate(zip(images, names, strict=True)):
                found = siftcore.extract(
                    image,
                    provider=chosen,
                    params=params,
                    max_keypoints=max_keypoints,
                    spread=spread,
                )
                if pictures is not None:
                    from siftcore.drawing import draw_keypoints

                    _outputs.save_picture(pictures[index], draw_keypoints(image, found))
                counts.append(len(found))
                yield name, found
                advance(name)

    started = time.perf_counter()
    write_features(output, features())
    seconds = time.perf_counter() - started
    typer.echo(_report.extract_table(names, counts, output, seconds))


@app.command(epilog=("\b\nExample:\n  siftcore providers"))
def providers() -> None:
    """List the scale spaces. Where one cannot be used, the list says what is missing."""
    import siftcore
    from siftcore import _report

    infos = [siftcore.provider_info(name) for name in siftcore.list_providers()]
    typer.echo(_report.provider_table(infos))


@app.command(epilog=("\b\nExample:\n  siftcore warmup"))
def warmup() -> None:
    """Compile all kernels now, so that no later process of this user waits for it.

    Run it once after an installation, and while a container is built.
    """
    from siftcore.warming import warm_up

    started = time.perf_counter()
    kernels = warm_up()
    typer.echo(f"{len(kernels)} kernels ready in {time.perf_counter() - started:.1f} s")


def main() -> None:
    """Run the command line."""
    keep_interrupts()
    app()


def _params(preset: str) -> SiftParams:
    from siftcore.params import SiftParams

    return SiftParams.preset(preset)


def _providers(names: Sequence[str], device: str) -> tuple[Any, ...]:
    import siftcore

    # A network is loaded once, also when both images go through it.
    made = {name: siftcore.get_provider(name, device=device) for name in dict.fromkeys(names)}
    return tuple(made[name] for name in names)
