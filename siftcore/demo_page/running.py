"""What the page's buttons do, from its inputs to its outputs."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Iterator
from contextlib import closing
from typing import Any

from siftcore.demo_page import results
from siftcore.demo_page.compare import MAX_PROVIDERS, Outcome, Settings
from siftcore.demo_page.pairs import Pair, pair_of_copy
from siftcore.demo_page.process import ComparisonProcess, EndedError, FailedError, StoppedError
from siftcore.demo_page.uploads import Upload, fit, read_upload
from siftcore.errors import InputError, SiftError

__all__ = ["LONG_SIDES", "MODELS", "run_comparison", "stop_comparison"]

LONG_SIDES = {"800": 800, "1200": 1200, "1600": 1600, "as it is": None}
MODELS = {"homography": "homography", "fundamental matrix": "fundamental", "none": None}

_STOPPED = "Stopped."
_SMALLER = "choose a smaller long side or other providers"

# Status line, button that stops, table, a picture of matches for each provider, two of keypoints.
Shown = list[Any]


def run_comparison(
    process: ComparisonProcess,
    max_megapixels: float,
    device: str,
    session: str | None,
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
    process : ComparisonProcess
        Where it is done.
    max_megapixels : float
        Larger uploads are refused.
    device : str
        Where networks run.
    session : str or None
        Whose comparison it is.
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
        with closing(process.compare(pair, names, settings, session)) as compared:
            for outcome in compared:
                outcomes.append(outcome)
                rest = ", ".join(names[len(outcomes) :])
                if rest:
                    text = f"Working: {rest} ..."
                else:
                    text = f"Done: {results.describe_pair(pair)}. {results.advice(outcomes)}"
                yield _shown(outcomes, results.message(text.strip()), newest=True, ends=not rest)
    except SiftError as error:
        yield _failed(outcomes, f"{error}.")
    except MemoryError:
        yield _failed(outcomes, f"Not enough memory for this image; {_SMALLER}.")
    except StoppedError:
        # The button's own answer may come before this one.
        yield _shown(outcomes, results.message(_STOPPED), ends=True)
    except EndedError:
        yield _failed(
            outcomes,
            "The process that compares has ended; there may have been too little memory: "
            f"{_SMALLER}.",
        )
    except Exception as error:
        # Else the status line would say "Working" forever. Details are for whoever runs the page.
        if not isinstance(error, FailedError):
            traceback.print_exc()
        name = str(error) if isinstance(error, FailedError) else type(error).__name__
        yield _failed(outcomes, f"{name}: see the terminal that runs this page.")


def stop_comparison(process: ComparisonProcess, session: str | None) -> Shown:
    """End a session's comparison; the status line and the button. What is shown stays."""
    import gradio as gr

    process.stop(session)
    return [results.message(_STOPPED), gr.update(interactive=False)]


def _failed(outcomes: list[Outcome], text: str) -> Shown:
    return _shown(outcomes, results.message(text, error=True), ends=True)


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
    outcomes: list[Outcome],
    status: str,
    *,
    newest: bool = False,
    everything: bool = False,
    ends: bool = False,
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
    stop = gr.update(interactive=not ends)
    return [status, stop, results.table(outcomes) if outcomes else "", *pictures]


def _show(gr: Any, picture: Any, text: str) -> Any:
    return gr.update(value=picture, label=text, alt_text=text, visible=True)
