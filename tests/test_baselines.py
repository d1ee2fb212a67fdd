import contextlib
import json
import math

import numpy as np
import pytest

from igcore.baselines import (
    BASELINES,
    Black,
    Blur,
    Color,
    GaussianNoise,
    GivenImage,
    MaxDistance,
    Mean,
    UniformNoise,
    as_baseline,
    describe_baseline,
    parse_baseline,
)
from igcore.errors import InputError, UnknownKeyError

IMAGE = np.random.default_rng(0).random((17, 13, 3), dtype=np.float32)
OTHER = np.random.default_rng(1).random((17, 13, 3), dtype=np.float32)

each_key = pytest.mark.parametrize("key", BASELINES)
each_noise = pytest.mark.parametrize("noise", [UniformNoise, GaussianNoise])


def default(key):
    return GivenImage(OTHER) if key == "image" else BASELINES[key].settings()


@each_key
@pytest.mark.parametrize("shape", [(17, 13, 3), (1, 1, 3)])
def test_each_baseline_is_an_image_of_the_same_shape(key, shape):
    image = IMAGE[: shape[0], : shape[1]]
    baseline = GivenImage(OTHER[: shape[0], : shape[1]]) if key == "image" else default(key)
    before = image.copy()
    made = baseline.make(image, seed=5)
    assert made.shape == shape
    assert made.dtype == np.float32
    assert np.isfinite(made).all()
    assert made.min() >= 0
    assert made.max() <= 1
    assert np.array_equal(image, before)


@each_key
def test_only_noise_depends_on_the_seed_and_the_same_seed_gives_the_same_bytes(key):
    first, again, other = (default(key).make(IMAGE, seed).tobytes() for seed in (3, 3, 4))
    assert first == again
    assert (first != other) == ("noise" in key)


@each_noise
def test_a_noise_of_its_own_seed_does_not_follow_the_global_one(noise):
    assert np.array_equal(noise(seed=3).make(IMAGE, seed=8), noise().make(IMAGE, seed=3))
    assert np.array_equal(noise(seed=0).make(IMAGE, seed=8), noise().make(IMAGE, seed=0))


def test_flat_baselines_have_the_color_that_they_name():
    colors = {"black": 0, "white": 1, "gray": 0.5, "color": np.array([0x1E, 0x90, 0xFF]) / 255}
    for key, color in colors.items():
        np.testing.assert_allclose(default(key).make(IMAGE), np.broadcast_to(color, IMAGE.shape), atol=1e-7)
    np.testing.assert_allclose(Mean().make(IMAGE)[4, 2], IMAGE.mean(axis=(0, 1)), atol=1e-6)


def test_blur_keeps_the_mean_and_takes_the_detail():
    blurred = Blur(sigma=3).make(IMAGE)
    np.testing.assert_allclose(blurred.mean(axis=(0, 1)), IMAGE.mean(axis=(0, 1)), atol=0.05)
    assert blurred.std() < IMAGE.std() / 3


def test_blur_does_not_mix_the_channels():
    red = IMAGE * np.float32([1, 0, 0])
    assert not Blur(sigma=3).make(red)[..., 1:].any()


@pytest.mark.parametrize("level", [0, 0.3, 1])
@pytest.mark.parametrize("sigma", [0.5, 20, 100])
def test_blur_keeps_a_constant_image_exactly(level, sigma):
    image = np.full((9, 30, 3), level, np.float32)
    assert np.array_equal(Blur(sigma).make(image), image)


def test_gaussian_noise_has_its_sigma_around_the_image():
    gray = np.full((200, 200, 3), 0.5, np.float32)
    difference = GaussianNoise(sigma=0.1).make(gray) - gray
    assert difference.std() == pytest.approx(0.1, rel=0.02)
    assert difference.mean() == pytest.approx(0, abs=0.002)


def test_max_distance_is_half_the_range_away_from_every_value():
    image = np.concatenate([IMAGE.ravel(), [0, 0.5, 1]]).astype(np.float32).reshape(-1, 1, 1).repeat(3, axis=2)
    made = MaxDistance().make(image)
    assert np.abs(made - image).min() >= 0.5
    assert set(np.unique(made)) == {0, 1}


@pytest.mark.parametrize("text", ["#ff0000", "red", "RED", "#f00", "rgb(255,0,0)"])
def test_a_color_is_read_in_the_usual_ways(text):
    assert Color(text).make(IMAGE)[0, 0].tolist() == [1, 0, 0]


@pytest.mark.parametrize("color", ["", "nocolor", "#12", "#gggggg", None, 3, (255, 0, 0)])
def test_what_is_not_a_color_is_refused(color):
    with pytest.raises(InputError, match=r"color is .*; expected #rrggbb"):
        Color(color)


@pytest.mark.parametrize("text", ["rgb(300,0,0)", "rgb(200%,0%,0%)", "hsl(0,0%,200%)", "hsv(0,0%,300%)"])
def test_no_color_leaves_the_range(text):
    with contextlib.suppress(InputError):
        assert Color(text).make(IMAGE).max() <= 1


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("black", Black()),
        ("blur:sigma=10", Blur(10.0)),
        ("gaussian-noise:sigma=0.25,seed=7", GaussianNoise(0.25, 7)),
        ("uniform-noise:seed=0", UniformNoise(0)),
        ("color:color=teal", Color("teal")),
    ],
)
def test_a_baseline_is_read_from_text(text, expected):
    assert parse_baseline(text) == as_baseline(text) == expected


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("blurr", "did you mean 'blur'"),
        ("", "known are black, white"),
        ("Black", "did you mean 'black'"),
        ("blur:radius=3", "cannot take 'radius=3'; it takes sigma="),
        ("blur:10", "cannot take '10'"),
        ("black:sigma=3", "it takes no parameters"),
        ("blur:sigma=0", "expected a number from 0.5 to 100.0"),
        ("blur:sigma=101", "sigma is 101"),
        ("blur:sigma=nan", "sigma is nan"),
        ("blur:sigma=inf", "sigma is inf"),
        ("blur:sigma=ten", "sigma is 'ten'; expected a number"),
        ("blur:sigma=", "expected a number"),
        ("uniform-noise:seed=1.5", "expected a whole number"),
        ("uniform-noise:seed=-1", "seed is -1"),
        ("uniform-noise:seed=" + "9" * 400, "expected a whole number"),
        ("image", "needs a picture"),
    ],
)
def test_text_that_names_no_baseline_is_refused_in_one_line(text, message):
    with pytest.raises(InputError, match=message) as caught:
        parse_baseline(text)
    assert "\n" not in str(caught.value)
    assert isinstance(caught.value, UnknownKeyError) == (text in ("blurr", "", "Black"))


@pytest.mark.parametrize(
    ("pixels", "message"),
    [
        (None, "needs a picture"),
        (np.full((4, 4, 3), np.nan, np.float32), "NaN"),
        (np.zeros((4, 4), np.float32), "not \\(height, width, 3\\)"),
        (np.zeros((4, 4, 4), np.float32), "not \\(height, width, 3\\)"),
        (np.zeros((4, 4, 3), np.uint8), "dtype uint8"),
        (np.full((4, 4, 3), 255.0), "ranges from 255 to 255"),
        (np.full((4, 4, 3), -0.1), "ranges from -0.1"),
    ],
)
def test_a_given_image_is_checked(pixels, message):
    with pytest.raises(InputError, match=message):
        GivenImage(pixels)


def test_a_given_image_of_another_size_than_the_image_is_refused():
    with pytest.raises(InputError, match="does not match image shape"):
        GivenImage(OTHER).make(IMAGE[:5])


def test_a_given_image_does_not_change_after_it_was_given():
    pixels = OTHER.copy()
    given = GivenImage(pixels)
    digest = given.digest
    pixels[:] = 0
    with contextlib.suppress(ValueError):
        given.make(IMAGE)[:] = 0
    assert given.digest == digest


@each_key
def test_equal_settings_are_equal_and_hash_alike(key):
    assert default(key) == default(key)
    assert hash(default(key)) == hash(default(key))


def test_different_settings_are_different():
    assert Blur(10) != Blur(11)
    assert GivenImage(IMAGE) != GivenImage(OTHER)
    assert len({default(key) for key in BASELINES}) == len(BASELINES)


def test_equal_given_images_hash_alike_whatever_the_sign_of_zero():
    zero = np.zeros((2, 2, 3), np.float32)
    assert (GivenImage(zero) != GivenImage(-zero)) or hash(GivenImage(zero)) == hash(GivenImage(-zero))


@each_key
def test_a_description_goes_through_json(key):
    described = describe_baseline(default(key))
    assert json.loads(json.dumps(described)) == described
    assert described["key"] == key


def test_a_description_tells_given_images_apart():
    assert describe_baseline(GivenImage(IMAGE)) != describe_baseline(GivenImage(OTHER))


def test_an_array_or_settings_are_taken_as_they_are():
    assert as_baseline(OTHER) == GivenImage(OTHER)
    assert as_baseline(Blur(3)) == Blur(3)


@pytest.mark.parametrize("choice", [None, 3, math.pi, Blur, ["black"]])
def test_what_is_no_baseline_is_refused(choice):
    with pytest.raises(InputError, match="expected one of black, white"):
        as_baseline(choice)
