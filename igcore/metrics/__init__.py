"""Metrics: numbers by which an explanation is tested instead of believed."""

from igcore.metrics import concentration, perturbation, stability, subsets
from igcore.metrics.base import FILLS, ORDERS, Case, Measured, Metric, MetricSpec, Order, ordered
from igcore.metrics.concentration import EnergyInBox, Gini
from igcore.metrics.perturbation import Deletion, Insertion
from igcore.metrics.stability import MaxSensitivity
from igcore.metrics.subsets import Infidelity, SensitivityN
from igcore.registry import Registry

__all__ = [
    "FILLS",
    "METRICS",
    "ORDERS",
    "Case",
    "Deletion",
    "EnergyInBox",
    "Gini",
    "Infidelity",
    "Insertion",
    "MaxSensitivity",
    "Measured",
    "Metric",
    "MetricSpec",
    "Order",
    "SensitivityN",
    "ordered",
]

METRICS: Registry[MetricSpec] = Registry(
    "metric", *perturbation.SPECS, *subsets.SPECS, *stability.SPECS, *concentration.SPECS
)
