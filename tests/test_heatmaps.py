import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from igcore.errors import InputError
from igcore.heatmaps import COLOR_MAPS, SIGNS, Drawing, heat_map, mask_picture, overlay_picture, scaled

RANDOM = np.random.default_rng(0)
VALUES = RANDOM.normal(size=(20, 25, 3)).astype(np.float32)
IMAGE = RANDOM.random((20, 25, 3), dtype=np.float32)
ZEROS = np.zeros_like(VALUES)
DIVERGING = [key for key, color_map in COLOR_MAPS.items() if color_map.diverging]
SEQUENTIAL = [key for key in COLOR_MAPS if key not in DIVERGING]

sizes = st.floats(2**-16, 2**16, width=32)
floats = st.one_of(st.just(0.0), sizes, sizes.map(lambda size: -size))
attributions = arrays(np.float32, st.tuples(st.integers(1, 6), st.integers(1, 6), st.just(3)), elements=floats)
heats = arrays(np.float32, array_shapes(min_dims=2, max_dims=2, max_side=8), elements=floats)
each_drawing = pytest.mark.parametrize(
    "drawing",
    [Drawing(sign, key) for sign in SIGNS for key in (DIVERGING if sign == "signed" else SEQUENTIAL)],
    ids=lambda drawing: f"{drawing.sign}-{drawing.color_map}",
)


def position(picture, color_map):
    """Find each pixel of a picture in its color map, from 0 to 256."""
    table = COLOR_MAPS[color_map].colors(np.linspace(0, 1, 257))
    assert len(np.unique(table, axis=0)) == 257
    return (picture[..., None, :] == table).all(axis=-1).argmax(axis=-1)


@settings(deadline=None)
@given(attributions)
def test_signed_is_positive_minus_negative_and_absolute_bounds_it(values):
    absolute, positive, negative, signed = (heat_map(values, sign) for sign in SIGNS)
    assert np.array_equal(signed, positive - negative)
    assert not (positive * negative).any()
    assert (positive >= 0).all()
    assert (negative >= 0).all()
    assert (absolute >= np.abs(signed) * (1 - 1e-6)).all()
    assert absolute.shape == values.shape[:2]
    assert {heat.dtype for heat in (absolute, positive, negative, signed)} == {np.dtype(np.float32)}


def test_channels_are_summed():
    values = np.array([[[1, -3, 0.5]]], np.float32)
    assert [heat_map(values, sign).item() for sign in SIGNS] == [4.5, 0, 1.5, -1.5]


def test_an_unknown_sign_is_refused():
    with pytest.raises(InputError, match="sign is 'both'; expected one of absolute, positive"):
        heat_map(VALUES, "both")


@settings(deadline=None)
@given(heats, st.floats(80, 100))
def test_scaling_reaches_the_full_color_and_nothing_beyond(heat, clip):
    with np.errstate(all="raise"):
        level = scaled(heat, clip)
    assert level.dtype == np.float32
    assert np.abs(level).max() == (1 if heat.any() else 0)
    assert np.array_equal(np.sign(level), np.sign(heat))


@settings(deadline=None)
@given(heats, st.floats(80, 100))
def test_scaling_is_symmetric(heat, clip):
    assert np.array_equal(scaled(-heat, clip), -scaled(heat, clip))


def test_values_above_the_percentile_get_the_full_color():
    heat = np.arange(101, dtype=np.float32).reshape(1, 101)
    level = scaled(heat, 90)
    assert (level[0, 90:] == 1).all()
    np.testing.assert_allclose(level[0, :91], np.arange(91) / 90, rtol=1e-6)


def test_a_map_of_one_pixel_reaches_the_full_color():
    heat = np.zeros((30, 30), np.float32)
    heat[4, 5] = -1e-3
    assert np.array_equal(scaled(heat, 80), np.sign(heat))


@each_drawing
def test_pictures_are_rgb_in_range(drawing):
    for picture in (mask_picture(VALUES, drawing), overlay_picture(VALUES, IMAGE, drawing)):
        assert picture.shape == IMAGE.shape
        assert picture.dtype == np.float32
        assert 0 <= picture.min() < picture.max() <= 1


@each_drawing
@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("top", [100.0, 10.0])
def test_a_map_of_zeros_is_drawn_in_the_color_of_zero(drawing, top):
    drawing = Drawing(drawing.sign, drawing.color_map, top=top)
    middle = 0.5 if drawing.sign == "signed" else 0.0
    with np.errstate(all="raise"):
        picture = mask_picture(ZEROS, drawing)
        assert np.isfinite(overlay_picture(ZEROS, IMAGE, drawing)).all()
    assert (picture == COLOR_MAPS[drawing.color_map].colors(np.array(middle))).all()


@pytest.mark.parametrize("key", DIVERGING)
def test_zero_is_exactly_white_in_a_signed_map(key):
    values = VALUES.copy()
    values[3:7, 2:9] = 0
    white = (mask_picture(values, Drawing("signed", key)) == 1).all(axis=-1)
    assert white[3:7, 2:9].all()
    assert white.sum() < 60


@pytest.mark.parametrize("key", DIVERGING)
def test_the_picture_of_the_negated_attribution_mirrors_the_color_map(key):
    drawing = Drawing("signed", key, clip=100)
    one, other = (position(mask_picture(values, drawing), key) for values in (VALUES, -VALUES))
    assert np.array_equal(one + other, np.full(one.shape, 256))
    assert one.min() == 0 or one.max() == 256


@pytest.mark.parametrize("top", [1.0, 5.0, 33.0, 50.0, 99.0])
@pytest.mark.parametrize("sign", SIGNS)
def test_the_top_share_draws_that_share_of_the_pixels(sign, top):
    values = RANDOM.permutation(np.arange(1, 501, dtype=np.float32)).reshape(20, 25, 1) * np.ones(3, np.float32)
    values = -values if sign == "negative" else values
    key = DIVERGING[0] if sign == "signed" else SEQUENTIAL[0]
    picture = overlay_picture(values, IMAGE, Drawing(sign, key, strength=100, top=top))
    drawn = picture.any(axis=-1)
    assert drawn.sum() == 500 * top / 100
    assert np.abs(heat_map(values, sign))[drawn].min() > 3 * 500 * (1 - top / 100)


def test_the_top_share_draws_no_pixel_without_attribution():
    values = ZEROS.copy()
    values[4, 4] = 1
    picture = overlay_picture(values, IMAGE, Drawing(strength=100, top=50))
    assert np.argwhere(picture.any(axis=-1)).tolist() == [[4, 4]]


@each_drawing
def test_the_overlay_goes_from_the_image_to_the_map(drawing):
    image_only, half, map_only = (
        overlay_picture(VALUES, IMAGE, Drawing(drawing.sign, drawing.color_map, strength=strength))
        for strength in (0, 50, 100)
    )
    assert np.array_equal(image_only, IMAGE)
    assert np.array_equal(map_only, mask_picture(VALUES, drawing))
    np.testing.assert_allclose(half, (image_only + map_only) / 2, atol=1e-6)


def test_drawing_changes_neither_attribution_nor_image():
    values, image = VALUES.copy(), IMAGE.copy()
    overlay_picture(values, image, Drawing(top=5))
    assert np.array_equal(values, VALUES)
    assert np.array_equal(image, IMAGE)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"sign": "both"}, "sign is 'both'; expected one of absolute"),
        ({"color_map": "jet"}, "unknown color map 'jet'"),
        ({"sign": "signed"}, "a signed map needs a diverging color map, not inferno; take red-blue"),
        ({"color_map": "red-blue"}, "an? absolute map needs a sequential color map, not red-blue; take inferno"),
        *(
            ({name: value}, f"{name} is .*expected a number from")
            for name, low in (("clip", 79.9), ("strength", -0.1), ("top", 0.9))
            for value in (low, 100.1, math.nan, math.inf, "90", None, True)
        ),
    ],
    ids=str,
)
def test_a_drawing_that_cannot_be_is_refused(settings, message):
    with pytest.raises(InputError, match=message) as caught:
        Drawing(**settings)
    assert "\n" not in str(caught.value)


def test_drawings_are_equal_and_hash_by_their_settings():
    assert Drawing() == Drawing()
    assert len({Drawing(), Drawing(), Drawing(clip=95)}) == 2


@pytest.mark.parametrize("key", COLOR_MAPS)
def test_color_maps_hold_rgb_from_end_to_end(key):
    colors = COLOR_MAPS[key].colors(np.array([-1, 0, 0.5, 1, 2], np.float32))
    assert colors.shape == (5, 3)
    assert np.array_equal(colors[0], colors[1])
    assert np.array_equal(colors[3], colors[4])
    assert 0 <= colors.min() <= colors.max() <= 1
