"""Integrated Gradients on images: true numbers, shown error, and speed.

Names are loaded when first used, so that ``import igcore`` takes no TensorFlow and little time.
"""

from __future__ import annotations

import importlib
import os
from typing import Any

__version__ = "0.7.0"

# TensorFlow reads it when it is imported. By itself it takes the convolution library (oneDNN) only on processors with
# instructions for neural networks; on one with AVX2 alone a gradient then costs a seventh more (bench/README.md).
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")

_WHERE = {
    "Attribution": "results",
    "BASELINES": "baselines",
    "Black": "baselines",
    "Blur": "baselines",
    "Cancelled": "errors",
    "Color": "baselines",
    "GaussianNoise": "baselines",
    "GivenImage": "baselines",
    "Gradient": "methods",
    "Gray": "baselines",
    "IGError": "errors",
    "INTEGRATORS": "integrators",
    "ImageError": "errors",
    "InputError": "errors",
    "IntegratedGradients": "methods",
    "METHODS": "methods",
    "METRICS": "metrics",
    "MaxDistance": "baselines",
    "Mean": "baselines",
    "ModelError": "errors",
    "ModelUnavailable": "errors",
    "PHOTOS": "photos",
    "PathTrace": "results",
    "Progress": "results",
    "UniformNoise": "baselines",
    "UnknownKeyError": "errors",
    "White": "baselines",
    "average": "agreement",
    "catalogue": "models",
    "compare_maps": "agreement",
    "evaluate": "evaluation",
    "explain": "explanation",
    "explain_by_rules": "explanation",
    "explain_regions": "regions",
    "heat_map": "heatmaps",
    "load_image": "images",
    "load_model": "models",
    "make_recipe": "recipe",
    "measure_criteria": "criteria",
    "measure_local_errors": "local_errors",
    "randomize": "randomization",
    "report_html": "report",
    "study_integrators": "study",
    "write_report": "report",
}

__all__ = ["__version__", *sorted(_WHERE)]


def __getattr__(name: str) -> Any:
    if name not in _WHERE:
        raise AttributeError(f"module 'igcore' has no attribute {name!r}")
    value = getattr(importlib.import_module(f"igcore.{_WHERE[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
