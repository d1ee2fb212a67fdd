"""Attribution methods, one file for each family."""

from igcore.methods.base import Method, MethodSpec, Task
from igcore.methods.gradient import Gradient
from igcore.methods.integrated_gradients import IntegratedGradients
from igcore.registry import Registry

__all__ = ["METHODS", "Gradient", "IntegratedGradients", "Method", "MethodSpec", "Task"]

METHODS: Registry[MethodSpec] = Registry(
    "method",
    MethodSpec(
        "gradient",
        "Gradient",
        "The slope of the score at the image itself. Small where the score is saturated.",
        Gradient,
        "gradients",
        "Simonyan, Vedaldi, Zisserman 2014, section 3",
    ),
    MethodSpec(
        "ig",
        "Integrated Gradients",
        "The gradients on the way from a baseline to the image, summed: shares of the score's change.",
        IntegratedGradients,
        "gradients",
        "Sundararajan, Taly, Yan 2017, equation 1",
    ),
)
