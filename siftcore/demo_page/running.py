"""What the page's button does, from its inputs to its outputs."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Iterator
from typing import Any

from siftcore.demo_page import results
from siftcore.demo_page.compare import MAX_PROVIDERS, Outcome, Settings, compare
from siftcore.demo_page.pairs import Pair, pair_of_copy
from siftcore.demo_page.uploads import Upload, fit, read_upload
from siftcore.errors import InputError, SiftError

__all__ = ["LONG_SIDES", "MODELS", "run_comparison"]

LONG_SIDES = {"800": 800, "1200": 1200, "1600": 1600, "as it is": None}
MODELS = {"homography": "homography", "fundamental matrix": "fundamental", "none": None}

# Status line, table, a picture of matches for each provider, two of keypoints for each.
Shown = list[Any]


def run_comparison(
    max_megapixels: float,
    device: str,
    upload_a: Upload | None,
    upload_b: Upload | None,
    main: list[str],
    further: list[str],
    reduction: int,
    angle: float,
    max_keypoints: int,
    ratio: float,
    model: str,
    long_side: str,
    dog_for_a: bool,
) -> Iterator[Shown]:
    """Compare, and show each provider's outcome as soon as it is there.

    Parameters
    ----------
    max_megapixels : float
        Larger uploads are refused.
    device : str
        Where networks run.
    upload_a, upload_b, main, further, reduction, angle, max_keypoints, ratio, model, long_side
        What the page's inputs hold, in their order.
    dog_for_a : bool
        The last of them.

    Yields
    ------
    list
        One value for each of the page's outputs. Whatever goes wrong is one of them, too.
    """
    outcomes: list[Outcome] = []
    names = [*main, *further]

    def read(upload: Upload) -> Any:
        return fit(read_upload(upload, max_megapixels), LONG_SIDES[long_side])

    # The pictures of the last comparison go at once: they are of other images or settings.
    yield _shown([], results.message("Reading ..."), everything=True)
    try:
        pair = _pair(upload_a, upload_b, read, reduction, angle)
        settings = Settings(
            max_keypoints=int(max_keypoints),
            ratio=ratio,
            geometry=MODELS[model],  # type: ignore[arg-type]
            provider_a="dog" if dog_for_a or pair.b_to_a is not None else None,
            device=device,
        )
        yield _shown(outcomes, results.message(f"Working: {', '.join(names)} ..."))
        for outcome in compare(pair, names, settings):
            outcomes.append(outcome)
            rest = ", ".join(names[len(outcomes) :])
            if rest:
                text = f"Working: {rest} ..."
            else:
                text = f"Done: {results.describe_pair(pair)}. {results.advice(outcomes)}"
            yield _shown(outcomes, results.message(text.strip()), newest=True)
    except SiftError as error:
        yield _shown(outcomes, results.message(f"{error}.", error=True))
    except MemoryError:
        text = "Not enough memory for this image; choose a smaller long side or other providers."
        yield _shown(outcomes, results.message(text, error=True))
    except Exception as error:
        # Else the status line would say "Working" forever. Details are for whoever runs the page.
        traceback.print_exc()
        text = f"{type(error).__name__}: see the terminal that runs this page."
        yield _shown(outcomes, results.message(text, error=True))


def _pair(
    upload_a: Upload | None,
    upload_b: Upload | None,
    read: Callable[[Upload], Any],
    reduction: int,
    angle: float,
) -> Pair:
    if upload_a is None:
        raise InputError("image A is missing; drop one, or choose a sample")
    if upload_b is None:
        return pair_of_copy(read(upload_a), int(reduction), angle)
    return Pair(read(upload_a), read(upload_b))


def _shown(
    outcomes: list[Outcome], status: str, *, newest: bool = False, everything: bool = False
) -> Shown:
    """All outputs: `newest` adds the last outcome's pictures, `everything` hides all pictures."""
    import gradio as gr

    hidden = gr.update(value=None, visible=False)
    pictures = [hidden if everything else gr.skip()] * (3 * MAX_PROVIDERS)
    if newest:
        outcome, place = outcomes[-1], len(outcomes) - 1
        pictures[place] = _show(gr, outcome.matches, results.caption(outcome))
        sides = (
            ("A", outcome.keypoints_a, outcome.result.features_a),
            ("B", outcome.keypoints_b, outcome.result.features_b),
        )
        for offset, (side, picture, features) in enumerate(sides):
            text = f"{outcome.provider}, {side}: {len(features)} keypoints"
            pictures[MAX_PROVIDERS + 2 * place + offset] = _show(gr, picture, text)
    return [status, results.table(outcomes) if outcomes else "", *pictures]


def _show(gr: Any, picture: Any, text: str) -> Any:
    return gr.update(value=picture, label=text, alt_text=text, visible=True)
