"""What the page computes and says, without Gradio."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

import siftcore
from siftcore.demo_page import results
from siftcore.demo_page.choices import provider_choices
from siftcore.demo_page.compare import MAX_PROVIDERS, Settings, compare
from siftcore.demo_page.pairs import Pair, pair_of_copy
from siftcore.demo_page.samples import FOLDER, SAMPLES
from siftcore.errors import InputError, ParameterError, UnknownProviderError

CAMERA, COFFEE, CAT = SAMPLES


def test_the_samples_are_there_small_and_accounted_for() -> None:
    files = {path for sample in SAMPLES for path in sample[1:] if path is not None}
    assert files == set(FOLDER.glob("*.jpg"))
    assert sum(path.stat().st_size for path in FOLDER.iterdir()) < 600_000
    notice = (FOLDER / "README.md").read_text(encoding="utf-8")
    for path in files:
        (row,) = [line for line in notice.splitlines() if f"`{path.name}`" in line]
        assert "CC0" in row


def test_the_samples_are_what_the_command_makes(tmp_path: Path) -> None:
    from bench.sample_images import write

    for path in write(tmp_path):
        stored = np.asarray(Image.open(FOLDER / path.name), float)
        # Another version of libjpeg may round otherwise.
        np.testing.assert_allclose(np.asarray(Image.open(path), float), stored, atol=12)


def test_two_views_match_through_the_homography() -> None:
    from bench.sample_images import CAMERA_A_TO_B

    assert CAMERA.image_b is not None
    pair = Pair(Image.open(CAMERA.image_a), Image.open(CAMERA.image_b))
    (outcome,) = compare(pair, ["dog"], Settings())
    result = outcome.result
    assert result.model is not None
    np.testing.assert_allclose(result.model, CAMERA_A_TO_B, rtol=0.05, atol=2e-5)
    assert outcome.n_inliers == result.inliers.sum() > 200
    assert outcome.n_correct is outcome.correct_share is None
    assert outcome.seconds > 0
    assert len(result.features_a) > len(result.features_b) > 400
    # Side by side, and each alone.
    assert outcome.matches.width > 900
    assert outcome.keypoints_a.width >= 512
    assert outcome.keypoints_b.width >= 400


def test_a_copy_is_matched_by_dog_with_the_provider_and_judged() -> None:
    pair = pair_of_copy(Image.open(COFFEE.image_a), 2, 10)
    dog, bicubic = compare(pair, ["dog", "bicubic-x2", "dog"], Settings(provider_a="dog"))
    for outcome in (dog, bicubic):
        features = outcome.result.features_a, outcome.result.features_b
        assert [f.provider for f in features] == ["dog", outcome.provider]
        assert outcome.n_correct is not None
        assert outcome.correct_share == outcome.n_correct / len(outcome.result) > 0.85
    # Why anybody enlarges: more of the original is found again.
    assert bicubic.n_correct > 1.5 * dog.n_correct


def test_settings_arrive() -> None:
    pair = pair_of_copy(Image.open(CAT.image_a), 2)
    (outcome,) = compare(pair, ["dog"], Settings(max_keypoints=50, geometry=None, ratio=0.6))
    assert len(outcome.result.features_a) == 50
    assert outcome.n_inliers is None
    assert outcome.result.matches.ratio.max() < 0.6
    assert "<td>n/a</td>" in results.table([outcome])


def test_nothing_found_is_a_result_with_advice(camera: NDArray[np.uint8]) -> None:
    flat = Image.new("RGB", (120, 90), (130, 120, 110))
    outcomes = list(compare(Pair(flat, flat), ["dog", "bicubic-x2"], Settings()))
    assert [len(o.result.features_a) for o in outcomes] == [0, 0]
    assert results.advice(outcomes).startswith("No keypoints in at least one image with dog, bic")
    (copy,) = compare(pair_of_copy(flat, 2), ["dog"], Settings())
    assert copy.correct_share is None

    noise = np.random.default_rng(3).integers(0, 255, (128, 128), np.uint8)
    pair = Pair(Image.fromarray(camera[100:228, 180:308]), Image.fromarray(noise))
    (unmatched,) = compare(pair, ["dog"], Settings(ratio=0.5))
    assert len(unmatched.result) == unmatched.n_inliers == 0
    assert results.advice([unmatched]).startswith("No matches with dog: ")
    assert (
        results.advice(list(compare(pair_of_copy(Image.open(CAT.image_a), 2), ["dog"], Settings())))
        == ""
    )


def test_a_tiny_image_is_no_trouble() -> None:
    pair = Pair(Image.new("L", (1, 1)), Image.new("L", (3, 2), 255))
    (outcome,) = compare(pair, ["dog"], Settings())
    assert len(outcome.result) == 0


@pytest.mark.parametrize(
    ("providers", "settings", "error", "text"),
    [
        ([], Settings(), InputError, "no provider is chosen"),
        (["dog", "nobody"], Settings(), UnknownProviderError, "'nobody'"),
        (["dog"], Settings(ratio=0.0), ParameterError, "ratio"),
        (["dog"], Settings(max_keypoints=0), ParameterError, "max_keypoints"),
        (["dog"], Settings(geometry="affine"), ParameterError, "geometry"),  # type: ignore[arg-type]
        (["dog"], Settings(device="tpu"), ParameterError, "device"),
    ],
)
def test_bad_settings(
    providers: list[str], settings: Settings, error: type[Exception], text: str
) -> None:
    image = Image.new("L", (64, 64))
    with pytest.raises(error, match=text):
        list(compare(Pair(image, image), providers, settings))


def test_too_many_providers_are_refused_before_any_is_made() -> None:
    image = Image.new("L", (64, 64))
    names = [f"nobody-{number}" for number in range(MAX_PROVIDERS + 1)]
    with pytest.raises(InputError, match=r"7 providers are chosen; at most 6"):
        next(compare(Pair(image, image), names, Settings()))


def test_every_provider_is_offered_or_explained() -> None:
    choices = provider_choices()
    assert sorted([*choices.main, *choices.further, *choices.lacking]) == siftcore.list_providers()
    assert choices.main[0] == "dog"
    assert set(choices.chosen) <= set(choices.main)
    assert all(choices.lacking.values())
    text = results.lacking({"a": "torch", "b": "weights", "c": "torch"})
    assert text.splitlines()[2:] == ["- `a`, `c`: needs torch", "- `b`: needs weights"]


def test_messages_are_escaped() -> None:
    text = results.message("<img src=x onerror=alert(1)>.png", error=True)
    assert "<img" not in text
    assert 'role="alert"' in text
