"""The layout of the page. Gradio is imported where it is used."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from functools import partial
from typing import TYPE_CHECKING, Any

from siftcore.demo_page import results
from siftcore.demo_page.choices import Choices, provider_choices
from siftcore.demo_page.compare import MAX_PROVIDERS
from siftcore.demo_page.pairs import REDUCTIONS
from siftcore.demo_page.process import ComparisonProcess
from siftcore.demo_page.running import LONG_SIDES, MODELS, run_comparison, stop_comparison
from siftcore.demo_page.samples import SAMPLES
from siftcore.demo_page.uploads import Upload

if TYPE_CHECKING:
    import gradio as gr

__all__ = ["build_page"]

# Images lie on the disk for an hour at most, and are looked through every ten minutes.
_DELETE_CACHE = (600, 3600)

_WAITING = (
    f"() => [{json.dumps(results.message('Waiting for its turn ...'))}, "
    "{__type__: 'update', interactive: true}]"
)


def build_page(
    *, process: ComparisonProcess, max_upload_mb: float, max_megapixels: float, device: str
) -> gr.Blocks:
    """Lay the page out.

    Parameters
    ----------
    process : ComparisonProcess
        Where comparisons are done.
    max_upload_mb : float
        Said on the page; the server enforces it.
    max_megapixels : float
        Larger images are refused.
    device : str
        Where networks run.

    Returns
    -------
    gradio.Blocks
        Not launched yet.
    """
    import gradio as gr

    choices = provider_choices()
    page: gr.Blocks = gr.Blocks(
        title="siftcore: try it", analytics_enabled=False, delete_cache=_DELETE_CACHE
    )
    with page:
        gr.Markdown(
            "# siftcore\n"
            "Match two images, or one with a smaller copy of itself, and compare scale spaces. "
            f"Images stay on the machine that runs this page. Up to {max_upload_mb:g} MB and "
            f"{max_megapixels:g} megapixels each."
        )
        with gr.Row():
            image_a = _image_input(gr, "Image A", "image-a")
            image_b = _image_input(gr, "Image B (optional)", "image-b")
        with gr.Row():
            for number, sample in enumerate(SAMPLES):
                button = gr.Button(f"Sample: {sample.title}", size="sm", elem_id=f"sample-{number}")
                button.click(
                    partial(_paths_of, number),
                    outputs=[image_a, image_b],
                    api_visibility="private",
                    show_progress="hidden",
                )
        main = gr.CheckboxGroup(
            choices.main,
            value=choices.chosen,
            label="Providers of scale spaces",
            info=f"Up to {MAX_PROVIDERS}; each is a row and a picture.",
            elem_id="providers",
        )
        further, settings = _settings(gr, choices)
        with gr.Row():
            match = gr.Button("Match", variant="primary", elem_id="run", scale=4)
            stop = gr.Button("Stop", interactive=False, elem_id="stop", scale=1)
        status = gr.HTML(
            results.message("Drop an image or take a sample, then press Match."),
            elem_id="status",
            padding=False,
            apply_default_css=False,
        )
        figures = gr.HTML(elem_id="figures", padding=False, apply_default_css=False)
        with gr.Tabs():
            with gr.Tab("Matches"):
                matches = [_picture(gr, f"matches-{n}") for n in range(MAX_PROVIDERS)]
            with gr.Tab("Keypoints"):
                keypoints = []
                for n in range(MAX_PROVIDERS):
                    with gr.Row():
                        keypoints += [_picture(gr, f"keypoints-{n}-{side}") for side in "ab"]
        # In the browser, so that it is there before any answer: others may be first in the queue.
        match.click(None, outputs=[status, stop], js=_WAITING, api_visibility="private")
        compared = match.click(
            _of_session(gr, partial(run_comparison, process, max_megapixels, device)),
            inputs=[image_a, image_b, main, further, *settings],
            outputs=[status, stop, figures, *matches, *keypoints],
            # One comparison uses all cores already.
            concurrency_limit=1,
            # The overlay hides what is there; the status line says what goes on.
            show_progress="hidden",
            api_visibility="private",
        )
        stop.click(
            _answer_of_session(gr, partial(stop_comparison, process)),
            outputs=[status, stop],
            # Takes it out of the queue, and what it still says is not listened to.
            cancels=[compared],
            queue=False,
            show_progress="hidden",
            api_visibility="private",
        )
    return page


def _of_session(gr: Any, function: Callable[..., Iterator[Any]]) -> Callable[..., Iterator[Any]]:
    """`function` with the session that asks as its first argument; Gradio goes by annotations."""

    def asked(request: Any, *inputs: Any) -> Iterator[Any]:
        yield from function(request.session_hash, *inputs)

    asked.__annotations__["request"] = gr.Request
    return asked


def _answer_of_session(gr: Any, function: Callable[..., Any]) -> Callable[..., Any]:
    """The same for a function that answers once."""

    def asked(request: Any) -> Any:
        return function(request.session_hash)

    asked.__annotations__["request"] = gr.Request
    return asked


def _image_input(gr: Any, label: str, elem_id: str) -> Any:
    image = gr.Image(
        label=label,
        elem_id=elem_id,
        sources=["upload", "clipboard"],
        type="filepath",
        height=240,
        buttons=["fullscreen"],
    )
    # Gradio would decode the file outside of our function, where a damaged one ends in a message
    # that names a file on the server, and would save it again where the mode differs.
    image.preprocess = _uploaded
    return image


def _uploaded(payload: Any) -> Upload | None:
    # By now Gradio has checked that the path is one of its uploads.
    if payload is None or not payload.path:
        return None
    return Upload(payload.path, payload.orig_name or "the image")


def _picture(gr: Any, elem_id: str) -> Any:
    return gr.Image(
        visible=False,
        elem_id=elem_id,
        interactive=False,
        # Two beside each other on a laptop, below each other on a phone.
        min_width=300,
        buttons=["download", "fullscreen"],
    )


def _settings(gr: Any, choices: Choices) -> tuple[Any, list[Any]]:
    """Further providers, and the inputs of `run_comparison` after them."""
    with gr.Accordion("Settings", open=False):
        with gr.Row():
            reduction = gr.Radio(
                list(REDUCTIONS), value=2, label="Without image B, its copy of A is reduced by"
            )
            angle = gr.Slider(0, 180, value=10, step=5, label="... and turned by, degrees")
        with gr.Row():
            max_keypoints = gr.Slider(
                100, 10000, value=2000, step=100, label="Keypoints of each image, at most"
            )
            ratio = gr.Slider(
                0.5, 1.0, value=0.8, step=0.01, label="Ratio of nearest to second-nearest distance"
            )
        with gr.Row():
            model = gr.Radio(list(MODELS), value="homography", label="Verified with")
            long_side = gr.Radio(
                list(LONG_SIDES), value="1200", label="Long side, at most",
                info="Larger images are reduced first. Networks take minutes on large ones.",
            )  # fmt: skip
        dog_for_a = gr.Checkbox(
            label="Image A by dog",
            info="For an image B of lower resolution. A copy of A is always matched that way.",
        )
    with gr.Accordion("Further networks", open=False):
        further = gr.CheckboxGroup(choices.further, label="For comparisons", elem_id="further")
        if choices.lacking:
            gr.Markdown(results.lacking(choices.lacking))
    return further, [reduction, angle, max_keypoints, ratio, model, long_side, dog_for_a]


def _paths_of(number: int) -> tuple[str, str | None]:
    sample = SAMPLES[number]
    return str(sample.image_a), None if sample.image_b is None else str(sample.image_b)
