"""The command line's lists: models and methods, for people, as JSON, and as the README's table."""

from __future__ import annotations

import argparse
import json
import textwrap
from typing import Any

from igcore.methods import METHODS, MethodSpec
from igcore.models import catalogue, missing
from igcore.registry import parameters

__all__ = ["SUMS", "list_methods", "list_models"]

#: The (height, width) for which `methods` tells costs.
METHOD_COST_SIZE = (224, 224)

#: What a method's values sum to.
SUMS = {
    "integral": "F(x) − F(x′), as far as it has converged",
    "construction": "F(x) − F(x′), by construction",
    "relevance": "F(x) less what biases and stabilizers absorb",
    "none": "nothing in particular: a heat map",
}


def list_models(options: argparse.Namespace) -> None:
    """Print the catalogue: what is here, and what to do about what is not."""
    rows = [
        {
            "key": entry.key,
            "title": entry.title,
            "source": entry.source,
            "licence": entry.licence,
            "input_size": entry.input_size,
            "available": missing(entry) is None,
            "why_not": missing(entry),
        }
        for entry in catalogue().values()
    ]
    if options.json:
        print(json.dumps({"models": rows}, ensure_ascii=False))
        return
    width = max(len(str(row["key"])) for row in rows)
    for row in rows:
        print(f"{row['key']:<{width}}  {row['title']} ({row['source']}, {row['licence']})")
        print(f"{'':<{width}}  {'available' if row['available'] else row['why_not']}")


def list_methods(options: argparse.Namespace) -> None:
    """Print the methods: what each does, needs, costs and takes."""
    rows = [_method_facts(spec) for spec in METHODS.values()]
    if options.json:
        print(json.dumps({"methods": rows}, ensure_ascii=False))
    elif options.markdown:
        print("| key | method | needs | values sum to | takes | reference |\n|---|---|---|---|---|---|")
        for row in rows:
            cells = (f"`{row['key']}`", row["label"], row["needs"], SUMS[row["sums"]], row["cost"], row["reference"])
            print(f"| {' | '.join(cells)} |")
    else:
        for row in rows:
            takes = ", ".join(f"{name}={value}" for name, value in row["parameters"].items())
            print(f"{row['key']}  {row['label']} ({row['reference']})")
            print(textwrap.fill(row["description"], 100, initial_indent="    ", subsequent_indent="    "))
            print(f"    needs {row['needs']}; takes {row['cost']} at 224 × 224; values sum to {SUMS[row['sums']]}")
            if takes:
                print(f"    {row['key']}:{takes}")


def _method_facts(spec: MethodSpec) -> dict[str, Any]:
    return {
        "key": spec.key,
        "label": spec.label,
        "description": spec.description,
        "formula": spec.formula,
        "needs": spec.needs,
        "sums": spec.sums,
        "cost": str(spec.settings().cost(METHOD_COST_SIZE)),
        "parameters": {name: known.default for name, known in parameters(spec.settings).items()},
        "reference": spec.reference,
    }
