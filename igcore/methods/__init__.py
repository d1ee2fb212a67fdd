"""Attribution methods, one file for each family."""

from igcore.methods import gradient, integrated_gradients
from igcore.methods.base import Method, MethodSpec, Task
from igcore.methods.gradient import Gradient, GradientXInput
from igcore.methods.integrated_gradients import IntegratedGradients
from igcore.registry import Registry

__all__ = ["METHODS", "Gradient", "GradientXInput", "IntegratedGradients", "Method", "MethodSpec", "Task"]

METHODS: Registry[MethodSpec] = Registry("method", *gradient.SPECS, *integrated_gradients.SPECS)
