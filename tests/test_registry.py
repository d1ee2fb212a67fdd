import dataclasses
import math
import re
from dataclasses import dataclass

import pytest

from igcore.baselines import BASELINES, GivenImage
from igcore.errors import InputError, UnknownKeyError
from igcore.heatmaps import COLOR_MAPS, Drawing
from igcore.integrators import FIXED, INTEGRATORS
from igcore.methods import METHODS, IntegratedGradients
from igcore.models import DEFAULT_MODEL, catalogue
from igcore.photos import PHOTOS
from igcore.registry import Registry, check_parameters, parameter, parameters

REGISTRIES = {
    "integrator": INTEGRATORS,
    "baseline": BASELINES,
    "method": METHODS,
    "color map": COLOR_MAPS,
    "photo": PHOTOS,
    "model": catalogue(),
}
SETTINGS = [
    *(spec.settings for spec in BASELINES.values()),
    *(spec.settings for spec in METHODS.values()),
    Drawing,
]

each_registry = pytest.mark.parametrize(("kind", "registry"), REGISTRIES.items(), ids=list(REGISTRIES))
each_settings = pytest.mark.parametrize("settings", SETTINGS, ids=lambda settings: settings.__name__)


@dataclass(frozen=True)
class Thing:
    key: str


@dataclass(frozen=True)
class Knobs:
    count: int = parameter(5, label="Count", low=1, high=10)
    share: float = parameter(0.5, label="Share", low=0.0, high=1.0)
    above: float = parameter(2.0, label="Above", low=1.0)
    seed: int | None = parameter(None, label="Seed", low=0, high=99)
    note: str = parameter("", label="Note")
    inner: int = 10**9


@each_registry
def test_keys_are_stable_ids(kind, registry):
    assert registry.kind == kind
    assert len(registry) == len(list(registry)) > 1
    for key, entry in registry.items():
        assert entry.key == key
        assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", key)


@each_registry
def test_entries_say_in_one_line_what_they_are(kind, registry):
    names = {field.name for field in dataclasses.fields(next(iter(registry.values())))}
    told = {"label", "title", "description", "reference", "source", "licence", "credit"} & names
    assert {"label", "title"} & told
    assert kind == "color map" or {"description", "source"} & told
    for entry in registry.values():
        for name in told:
            text = getattr(entry, name)
            assert text.strip() == text != ""
            assert "\n" not in text
    labels = [getattr(entry, "label", None) or entry.title for entry in registry.values()]
    assert len(set(labels)) == len(labels)


@each_registry
@pytest.mark.parametrize("key", ["no such thing", "", None, 3, ("a",), ["unhashable"]], ids=str)
def test_an_unknown_key_lists_the_known_ones(kind, registry, key):
    with pytest.raises(UnknownKeyError) as caught:
        registry[key]
    message = str(caught.value)
    assert message.startswith(f"unknown {kind} {key!r}: ")
    assert message.endswith(f"known are {', '.join(registry)}")
    assert registry.get(key) is None


@each_registry
def test_a_slip_in_a_key_is_answered_with_a_suggestion(kind, registry):
    for key in registry:
        with pytest.raises(InputError, match=f"unknown {kind} '{key}x': did you mean '[a-z0-9-]+'"):
            registry[key + "x"]
    with pytest.raises(KeyError, match="did you mean 'blur'"):
        BASELINES["blurr"]


def test_a_key_is_not_registered_twice():
    with pytest.raises(ValueError, match="thing 'a' is registered twice"):
        Registry("thing", Thing("a"), Thing("b"), Thing("a"))


def test_a_registry_keeps_the_order_of_its_entries():
    registry = Registry("thing", Thing("b"), Thing("a"))
    assert list(registry) == ["b", "a"]
    assert "a" in registry
    assert "c" not in registry
    assert registry["a"] == Thing("a")


def test_the_keys_of_the_contract_are_there():
    assert {"left", "right", "midpoint", "trapezoid", "simpson", "gauss-legendre", "monte-carlo"} <= set(FIXED)
    assert {*FIXED, "adaptive"} <= set(INTEGRATORS)
    flat = {"black", "white", "gray", "mean", "color"}
    assert flat | {"uniform-noise", "gaussian-noise", "blur", "max-distance", "image"} == set(BASELINES)
    assert {"gradient", "ig"} <= set(METHODS)
    assert {"efficientnet-lite0", "inception-v1", "mobilenet-v2", "keras-mobilenet-v2"} <= set(catalogue())
    assert DEFAULT_MODEL in catalogue()


@pytest.mark.parametrize("integrator", INTEGRATORS.values(), ids=list(INTEGRATORS))
def test_an_integrator_takes_settings_that_exist_and_describes_no_others(integrator):
    known = parameters(IntegratedGradients)
    assert integrator.takes
    assert set(integrator.takes) <= set(known)
    told = IntegratedGradients(integrator=integrator.key).describe()
    assert {name: told[name] for name in known if name in told} == {
        name: known[name].default for name in integrator.takes
    }


@pytest.mark.parametrize("photo", PHOTOS.values(), ids=list(PHOTOS))
def test_each_photo_is_installed(photo):
    assert photo.path.is_file()


@each_settings
def test_defaults_lie_within_their_bounds(settings):
    for name, known in parameters(settings).items():
        assert known.name == name
        assert known.label.strip()
        assert "\n" not in known.help
        if known.low is not None and known.high is not None:
            assert known.low < known.high
            assert known.default is None or known.low <= known.default <= known.high
            if known.choices:
                assert known.default in known.choices
                assert list(known.choices) == sorted(set(known.choices))
                assert [getattr(settings(**{name: choice}), name) for choice in known.choices] == list(known.choices)
            else:
                assert 0 < known.step <= known.high - known.low


@each_settings
def test_default_settings_can_be_made_and_every_bound_is_held(settings):
    if settings is GivenImage:
        assert not parameters(settings)
        return
    assert settings() == settings()
    for name, known in parameters(settings).items():
        for bound, beyond in ((known.low, -1), (known.high, 1)):
            if bound is not None:
                assert getattr(settings(**{name: bound}), name) == bound
                with pytest.raises(InputError, match=f"{name} is .*; expected a .*number from {known.low} to"):
                    settings(**{name: bound + beyond})


@pytest.mark.parametrize(
    "values",
    [
        *({"count": value} for value in (0, 11, -1, 2.0, 2.5, "5", None, True, math.nan, 10**400, [5])),
        *({"share": value} for value in (-0.01, 1.01, "0.5", None, False, math.nan, math.inf, -math.inf, 10**400, 1j)),
        *({"above": value} for value in (0.99, math.inf, math.nan, "2")),
        *({"seed": value} for value in (-1, 100, 1.5, "1", True)),
    ],
    ids=lambda values: str(values)[:25],
)
def test_a_number_of_the_wrong_kind_or_size_is_refused(values):
    with pytest.raises(InputError, match=f"Knobs: {next(iter(values))} is .*; expected a (whole )?number from"):
        check_parameters(Knobs(**values))


@pytest.mark.parametrize(
    "values",
    [{}, {"count": 1}, {"count": 10}, {"share": 0}, {"share": 1.0}, {"above": 1e300}, {"seed": 0}, {"note": "x"}],
    ids=str,
)
def test_a_number_within_its_bounds_is_taken(values):
    check_parameters(Knobs(**values))


def test_parameters_describe_only_what_a_user_sets():
    assert list(parameters(Knobs)) == ["count", "share", "above", "seed", "note"]
    assert parameters(Knobs)["count"].high == 10
    assert parameters(Knobs()) == parameters(Knobs)
