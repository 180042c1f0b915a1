"""Strokes are where the keypoints and matches are, in the colours that say what they are."""

from __future__ import annotations

import math

import numpy as np
import pytest
from PIL import Image

from siftcore.drawing import draw_keypoints, draw_matches
from siftcore.drawing.matches import _keys, _thinned
from siftcore.errors import ImageReadError, InputError, InputTypeError, ParameterError
from siftcore.types import Features, Matches, MatchResult

GREY = 128
SIZE = (200, 160)


def make_features(xy, sigma=5.0, angle=0.0, response=None, size=SIZE):
    n = len(xy)
    return Features(
        xy=np.array(xy, np.float32).reshape(n, 2),
        sigma=np.full(n, sigma),
        angle=np.full(n, angle),
        response=np.ones(n) if response is None else np.array(response),
        octave=np.zeros(n),
        level=np.ones(n),
        descriptors=np.zeros((n, 128)),
        image_size=size,
        provider="dog",
    )


def make_result(xy_a, xy_b, inliers=None, size_a=SIZE, size_b=SIZE):
    n = len(xy_a)
    matches = Matches(
        np.repeat(np.arange(n, dtype=np.int32)[:, None], 2, 1),
        np.zeros(n, np.float32),
        np.zeros(n, np.float32),
    )
    flags = None if inliers is None else np.array(inliers, bool)
    return MatchResult(
        make_features(xy_a, size=size_a), make_features(xy_b, size=size_b), matches, flags
    )


def grey(size=SIZE):
    return np.full((size[1], size[0]), GREY, np.uint8)


def pixels(picture):
    return np.asarray(picture).astype(int)


def yellow(p):
    return (p[..., 0] > 190) & (p[..., 1] > 160) & (p[..., 2] < 120)


def blue(p):
    return (p[..., 2] > 180) & (p[..., 0] < 130)


def orange(p):
    return (p[..., 0] > 190) & (p[..., 2] < 90) & (p[..., 1] < 150)


@pytest.mark.parametrize("angle", [0.0, math.pi / 2, math.pi, 3 * math.pi / 2, math.pi / 6])
def test_circle_and_line_of_a_keypoint(angle):
    # An odd zoom puts the centre on a pixel of the canvas, not between two.
    zoom, radius = 5, 3 * 5.0 * 5
    cx, cy = (60 + 0.5) * zoom, (100 + 0.5) * zoom
    p = pixels(draw_keypoints(grey(), make_features([(60, 100)], 5.0, angle), zoom=zoom))

    def at(distance, direction):
        return p[int(cy + distance * math.sin(direction)), int(cx + distance * math.cos(direction))]

    assert yellow(at(radius / 2, angle)), "the line points along atan2(dy, dx) with y down"
    assert yellow(at(radius * 0.9, angle))
    for turn in (0.6, math.pi / 2, math.pi, -math.pi / 2, -0.6):
        assert (at(radius / 2, angle + turn) == GREY).all(), "and nowhere else"
        assert yellow(at(radius, angle + turn)), "the circle has a radius of 3 sigma"
        assert (at(1.3 * radius, angle + turn) == GREY).all()


def test_circle_is_centred_to_a_fraction_of_a_pixel():
    # The line points down, so the leftmost and rightmost yellow belong to the circle alone.
    picture = draw_keypoints(grey(), make_features([(60.3, 70.8)], 5.0, math.pi / 2), zoom=5)
    rows, columns = np.nonzero(yellow(pixels(picture)[: SIZE[1] * 5]))
    assert (columns.min() + columns.max() + 1) / 2 == pytest.approx((60.3 + 0.5) * 5, abs=0.6)
    assert (rows.min() + rows.max() + 1) / 2 == pytest.approx((70.8 + 0.5) * 5, abs=0.6)
    assert (columns.max() - columns.min()) / 2 == pytest.approx(75, abs=2.0)


@pytest.mark.parametrize("y", [300, 1000, 1290, 1990])
def test_strokes_at_any_height_of_a_large_canvas(y):
    # It is painted in bands, which show in neither place nor shape.
    size = (2400, 2600)
    p = pixels(draw_keypoints(grey(size), make_features([(1200, y)], 60.0, size=size), zoom=1))
    assert yellow(p[y, 1210:1370]).all()
    assert not yellow(p[y - 20 : y - 8, 1210:1370]).any()
    rows = np.flatnonzero(yellow(p[:2600, 1200])) - y
    np.testing.assert_array_equal(rows, [-181, -180, -179, -1, 0, 1, 179, 180, 181])


def test_strokes_have_a_dark_halo_on_white():
    white = np.full((160, 200), 255, np.uint8)
    p = pixels(draw_keypoints(white, make_features([(100, 80)], 10.0), zoom=2))
    row = p[161, : 2 * 200].sum(-1)
    left_edge = 2 * 100 + 1 - 60
    assert row[left_edge - 8 : left_edge + 8].min() < 250


def test_radius_is_in_sigmas():
    p = pixels(draw_keypoints(grey(), make_features([(100, 80)], 10.0), radius=1, zoom=4))
    assert yellow(p[322, 402 - 40])
    assert (p[322, 402 - 120] == GREY).all()


def test_only_the_strongest_are_drawn():
    features = make_features([(40, 80), (150, 80)], 5.0, response=[0.1, 0.2])
    p = pixels(draw_keypoints(grey(), features, max_drawn=1, zoom=2))
    assert yellow(p[:, 200:400]).any()
    assert not yellow(p[:320, :200]).any()


def test_pixels_away_from_strokes_keep_their_colours():
    rng = np.random.default_rng(0)
    image = rng.integers(0, 256, (700, 900, 3), np.uint8)
    features = make_features([(450, 350)], 5.0, size=(900, 700))
    p = np.asarray(draw_keypoints(image, features))
    np.testing.assert_array_equal(p[:300, :], image[:300, :])
    np.testing.assert_array_equal(p[400:700], image[400:])
    assert (p[330:370, 430:470] != image[330:370, 430:470]).any()


def test_thumbnails_are_enlarged_by_whole_pixels():
    image = np.random.default_rng(0).integers(0, 256, (48, 64, 3), np.uint8)
    picture = draw_keypoints(image, Features.empty((64, 48), "dog"))
    assert picture.width == 640
    shown = np.asarray(picture)[:480].reshape(48, 10, 64, 10, 3)
    np.testing.assert_array_equal(shown, np.broadcast_to(image[:, None, :, None], shown.shape))


def test_large_images_get_thicker_lines():
    def thickness(size):
        features = make_features([(size[0] / 2, size[1] / 2)], size[1] / 12, size=size)
        p = pixels(draw_keypoints(grey(size), features, zoom=1))
        return yellow(p[: size[1]]).sum() / size[1]

    assert thickness((3840, 2160)) > 2 * thickness((960, 540))


@pytest.mark.parametrize(
    ("image", "expected"),
    [
        (np.full((48, 64), 0.5), (128, 128, 128)),
        (np.full((48, 64), 0.5, np.float16), (128, 128, 128)),
        (np.full((48, 64), 0x4000, np.uint16), (64, 64, 64)),
        (np.ones((48, 64), bool), (255, 255, 255)),
        (np.full((48, 64, 1), 9, np.uint8), (9, 9, 9)),
        (np.full((48, 64, 3), (10, 20, 30), np.uint8), (10, 20, 30)),
        (np.full((48, 64, 4), (10, 20, 30, 0), np.uint8), (10, 20, 30)),
        (np.full((48, 64, 3), (0.0, 0.2, 1.0)), (0, 51, 255)),
        (Image.new("L", (64, 48), 77), (77, 77, 77)),
        (Image.new("RGB", (64, 48), (1, 2, 3)), (1, 2, 3)),
        (Image.new("RGBA", (64, 48), (1, 2, 3, 0)), (1, 2, 3)),
        (Image.new("RGB", (64, 48), (255, 0, 0)).convert("P"), (255, 0, 0)),
        (Image.new("1", (64, 48), 1), (255, 255, 255)),
        (Image.fromarray(np.full((48, 64), 0x4000, np.uint16)), (64, 64, 64)),
    ],
)
def test_every_kind_of_image_keeps_its_colour(image, expected):
    picture = draw_keypoints(image, Features.empty((64, 48), "dog"))
    assert picture.getpixel((5, 5)) == expected


def test_value_range_sets_black_and_white():
    image = np.full((48, 64), 300, np.uint16)
    picture = draw_keypoints(image, Features.empty((64, 48), "dog"), value_range=(200, 400))
    assert picture.getpixel((5, 5)) == (128, 128, 128)


def test_a_file_keeps_its_colours(tmp_path):
    Image.new("RGB", (64, 48), (200, 10, 60)).save(tmp_path / "a.png")
    picture = draw_keypoints(tmp_path / "a.png", Features.empty((64, 48), "dog"))
    assert picture.getpixel((5, 5)) == (200, 10, 60)


def test_match_lines_end_at_their_points_and_say_what_they_are():
    result = make_result([(50, 40), (50, 120)], [(150, 40), (150, 120)], [True, False])
    picture = draw_matches(grey(), grey(), result, zoom=2)
    p = pixels(picture)
    gap = picture.width - 800
    # Past the dots at the ends.
    inlier = p[81, 113 : 400 + gap + 289]
    outlier = p[241, 113 : 400 + gap + 289]
    assert blue(inlier).all(), "an inlier's line is whole"
    assert 0.3 < orange(outlier).mean() < 0.9, "an outlier's is dashed"
    assert not blue(p[241]).any()
    assert not orange(p[81]).any()
    for x in (0, 85, 400 + gap + 320, 790):
        assert (p[81, x] == GREY).all(), "and no line goes beyond its points"
    middle = 101 + 30
    blue_rows = blue(p[60:100, middle : middle + 60]).sum(0).max()
    orange_rows = orange(p[220:260, middle : middle + 60]).sum(0).max()
    assert blue_rows > orange_rows, "outliers are thinner"


def test_inliers_lie_over_outliers():
    # The outlier is listed last and crosses the inlier at x = 199.5 of the left image.
    result = make_result([(20, 80), (199.5, 20)], [(180, 80), (0, 140)], [True, False])
    p = pixels(draw_matches(grey(), grey(), result, zoom=4))
    line = p[322, 90 : p.shape[1] - 90]
    assert blue(line).all()


def test_unverified_matches_have_a_colour_of_their_own():
    p = pixels(draw_matches(grey(), grey(), make_result([(50, 40)], [(150, 40)]), zoom=2))
    assert yellow(p[81, 110:390]).all()


@pytest.mark.parametrize("low_first", [True, False])
def test_the_image_of_lower_resolution_is_shown_larger(low_first):
    low, high = (50, 40), (200, 160)
    sizes = (low, high) if low_first else (high, low)
    points = ([(10, 20)], [(40.0 + 1.5, 80 + 1.5)])  # the same place: (x + 0.5) * 4 - 0.5
    result = make_result(*(points if low_first else points[::-1]), [True], *sizes)
    picture = draw_matches(grey(sizes[0]), grey(sizes[1]), result, zoom=3)
    p = pixels(picture)
    gap = picture.width - 2 * 600
    assert 0 < gap < 30, "both are shown 600 wide"
    y = int(20.5 * 12)
    ends = np.flatnonzero(blue(p[y]))
    dot = (ends.max() - ends.min() - 600 - gap) / 2
    assert 1 < dot < 8
    assert ends.min() == pytest.approx(10.5 * 12 - dot, abs=0.75)
    assert ends.max() == pytest.approx(600 + gap + 10.5 * 12 + dot, abs=0.75)
    assert blue(p[y, ends.min() + 20 : ends.max() - 20]).all(), "the line is level"


def test_images_of_like_size_are_not_resampled():
    a = np.random.default_rng(0).integers(0, 256, (480, 640, 3), np.uint8)
    b = np.random.default_rng(1).integers(0, 256, (450, 700, 3), np.uint8)
    result = make_result([], [], [], (640, 480), (700, 450))
    p = np.asarray(draw_matches(a, b, result))
    np.testing.assert_array_equal(p[:480, :640], a)
    np.testing.assert_array_equal(p[15:465, -700:], b)


@pytest.mark.parametrize("n_good", [0, 1, 1000, 4000])
def test_thinning_keeps_the_share_of_inliers(n_good):
    inliers = np.zeros(4000, bool)
    inliers[np.random.default_rng(0).permutation(4000)[:n_good]] = True
    chosen = _thinned(4000, inliers, 200)
    assert len(np.unique(chosen)) == 200
    assert inliers[chosen].sum() == round(n_good / 20)
    np.testing.assert_array_equal(chosen, _thinned(4000, inliers, 200))


def test_thinning_takes_from_the_whole_list():
    chosen = _thinned(4210, None, 300)
    assert len(np.unique(chosen)) == 300
    assert np.diff(chosen).max() <= 15
    np.testing.assert_array_equal(_thinned(5, None, 300), np.arange(5))
    assert len(_thinned(5, None, 0)) == 0
    assert len(_thinned(4210, None, None)) == 4210


def test_the_legend_counts():
    points = np.random.default_rng(0).uniform(0, 150, (10, 2))
    result = make_result(points, points, np.arange(10) < 7)
    assert [key.text for key in _keys(result, 3)] == [
        "7 inliers",
        "3 outliers",
        "drawn 3 of 10",
        "keypoints: 10 (dog) and 10 (dog)",
    ]
    assert _keys(make_result(points[:1], points[:1]), 1)[0].text == "1 match, not verified"


def test_the_legend_lies_under_the_picture():
    picture = draw_matches(grey(), grey(), make_result([], []), zoom=3)
    assert picture.height > 480
    strip = pixels(picture)[480:]
    assert strip.max() > 200, "there is text"
    narrow = draw_keypoints(np.zeros((600, 3)), Features.empty((3, 600), "dog"))
    assert narrow.width >= 300


def test_nothing_to_draw_is_an_ordinary_picture():
    p = pixels(draw_matches(grey(), grey(), make_result([], [], []), zoom=3))
    assert (p[:480, :600] == GREY).all()
    assert (pixels(draw_keypoints(grey(), make_features([])))[:640, :800] == GREY).all()


def test_same_input_same_bytes():
    rng = np.random.default_rng(0)
    a, b = rng.uniform(0, 150, (2, 500, 2))
    result = make_result(a, b, rng.random(500) < 0.5)
    first = draw_matches(grey(), grey(), result).tobytes()
    assert draw_matches(grey(), grey(), result).tobytes() == first


def test_another_image_is_refused():
    with pytest.raises(InputError, match="200x160 pixels, but the image to draw on has 160x200"):
        draw_keypoints(grey((160, 200)), make_features([(1, 1)]))
    with pytest.raises(InputError, match="has 10x10"):
        draw_matches(grey(), grey((10, 10)), make_result([(1, 1)], [(1, 1)]))


@pytest.mark.parametrize(
    "options",
    [
        {"radius": 0},
        {"radius": math.nan},
        {"radius": "3"},
        {"zoom": 0},
        {"zoom": 1e9},
        {"max_drawn": -1},
        {"max_drawn": 1.5},
        {"max_drawn": True},
        {"value_range": (1, 1)},
    ],
)
def test_bad_options_are_named(options):
    (name,) = options
    with pytest.raises(ParameterError, match=name):
        draw_keypoints(grey(), make_features([(1, 1)]), **options)


@pytest.mark.parametrize("options", [{"zoom": -1}, {"max_lines": -1}, {"max_lines": "all"}])
def test_bad_options_of_matches_are_named(options):
    (name,) = options
    with pytest.raises(ParameterError, match=name):
        draw_matches(grey(), grey(), make_result([(1, 1)], [(1, 1)]), **options)


def test_what_is_no_image_is_refused(tmp_path):
    (tmp_path / "text.png").write_text("hello")
    features = make_features([(1, 1)])
    with pytest.raises(ImageReadError):
        draw_keypoints(tmp_path / "text.png", features)
    with pytest.raises(ImageReadError):
        draw_keypoints(tmp_path / "missing.png", features)
    with pytest.raises(InputTypeError):
        draw_keypoints(object(), features)
