"""Attribution methods, one file for each family."""

from igcore.methods import (
    blur_ig,
    class_maps,
    deeplift,
    expected_gradients,
    gradient,
    guided_backprop,
    guided_ig,
    idgi,
    integrated_gradients,
    lime,
    lrp,
    occlusion,
    prediction_difference,
    rise,
    shapley,
    smoothgrad,
    xrai,
)
from igcore.methods.base import Method, MethodSpec, Task
from igcore.methods.gradient import Gradient, GradientXInput
from igcore.methods.integrated_gradients import IntegratedGradients
from igcore.registry import Registry

__all__ = ["METHODS", "Gradient", "GradientXInput", "IntegratedGradients", "Method", "MethodSpec", "Task"]

METHODS: Registry[MethodSpec] = Registry(
    "method",
    # By gradients, at any model.
    *gradient.SPECS,
    *smoothgrad.SPECS,
    *integrated_gradients.SPECS,
    *expected_gradients.SPECS,
    *guided_ig.SPECS,
    *blur_ig.SPECS,
    *idgi.SPECS,
    *xrai.SPECS,
    # By scores alone, at any model.
    *occlusion.SPECS,
    *prediction_difference.SPECS,
    *shapley.SPECS,
    *rise.SPECS,
    *lime.SPECS,
    # Through the layers, at Keras models.
    *class_maps.SPECS,
    *guided_backprop.SPECS,
    *lrp.SPECS,
    *deeplift.SPECS,
)
