"""Holds the table of layers: a module imports only from its own layer and those above it in the list."""

import ast
import graphlib
import subprocess
import sys
from pathlib import Path

import pytest

import igcore

ROOT = Path(__file__).parent.parent

#: From the top of the list down; a package stands for all modules in it. `igcore` is its lazy names.
TABLE = (
    {"igcore.errors", "igcore.registry", "igcore.results", "igcore.files", "igcore.in_flight", "igcore.noise"},
    {
        *("igcore.images", "igcore.baselines", "igcore.integrators", "igcore.paths", "igcore.heatmaps"),
        *(
            "igcore.checks",
            "igcore.photos",
            "igcore.quadrature",
            "igcore.agreement",
            "igcore.superpixels",
            "igcore.relevance",
            "igcore.windows",
            "igcore.games",
        ),
    },
    {
        *("igcore.models", "igcore.gradients", "igcore.node_grid", "igcore.adaptive"),
        *("igcore.convergence", "igcore.local_errors", "igcore.study", "igcore.speed"),
    },
    {"igcore.methods", "igcore.metrics"},
    {
        *("igcore.explanation", "igcore.described", "igcore.recipe", "igcore.recipe_file", "igcore.report"),
        *(
            "igcore.evaluation",
            "igcore.randomization",
            "igcore.randomized_maps",
            "igcore.region_effects",
            "igcore.regions",
            "igcore.criteria",
        ),
        "igcore",
    },
    {"igcore.runtime"},
    {"igcore.batch"},
    {
        *("igcore.cli", "igcore.terminal", "igcore.listings", "igcore.method_options", "igcore.batch_command"),
        *("igcore.evaluate_command", "igcore.explain_command", "igcore.image_options", "igcore.settings_options"),
        "igcore.__main__",
    },
    {"ui"},
    {"app", "pages"},
)
PACKAGES = {
    "igcore.models",
    "igcore.methods",
    "igcore.metrics",
    "igcore.report",
    "igcore.runtime",
    "igcore.batch",
    "ui",
    "ui.lessons",
    "pages",
}
LAYERS = {module: layer for layer, modules in enumerate(TABLE) for module in modules}

DRAWS = {"streamlit", "plotly"}
COMPUTES = {"tensorflow", "tensorflow_hub"}


class Imports(ast.NodeVisitor):
    """Collect what a module imports, in functions too, except for type checkers only."""

    def __init__(self, module, is_package):
        self.package = module if is_package else module.rpartition(".")[0]
        self.found = []

    def visit_Import(self, node):
        self.found += [(node.lineno, alias.name) for alias in node.names]

    def visit_ImportFrom(self, node):
        start = self.package.rsplit(".", node.level - 1)[0] if node.level > 1 else self.package
        base = ".".join(filter(None, [start if node.level else "", node.module]))
        self.found += [(node.lineno, f"{base}.{alias.name}") for alias in node.names]

    def visit_Call(self, node):
        called = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        if called in ("import_module", "__import__") and node.args and isinstance(node.args[0], ast.Constant):
            self.found.append((node.lineno, str(node.args[0].value)))
        self.generic_visit(node)

    def visit_If(self, node):
        for_types_only = ast.unparse(node.test).removeprefix("typing.") == "TYPE_CHECKING"
        for child in node.orelse if for_types_only else ast.iter_child_nodes(node):
            self.visit(child)


def layer_of(module):
    while module and module not in LAYERS:
        module = module.rpartition(".")[0]
        if module not in PACKAGES:
            return None
    return LAYERS.get(module)


def nearest(name, known):
    while name and name not in known:
        name = name.rpartition(".")[0]
    return name


def faults(sources):
    """Check sources, {(module, whether it is a package): text}, and tell each fault in one line."""
    known = {module for module, _ in sources}
    told, graph = [], {}
    for (module, is_package), text in sources.items():
        layer = layer_of(module)
        if layer is None:
            told.append(f"{module} stands in no layer; add it to TABLE and to the design")
            continue
        imports = Imports(module, is_package)
        imports.visit(ast.parse(text))
        graph[module] = set()
        for line, name in imports.found:
            where, top = f"{module}:{line}", name.partition(".")[0]
            if top in DRAWS and module.partition(".")[0] == "igcore":
                told.append(f"{where} imports {top}, which belongs to ui")
            if top in COMPUTES and (layer <= 1 or layer >= 8):
                told.append(f"{where} imports {top}, which belongs to layers 2 to 7")
            other = nearest(name, known)
            if not other:
                continue
            graph[module].add(other)
            if (layer_of(other) or 0) > layer:
                told.append(f"{where} of layer {layer} imports {other} of layer {layer_of(other)}")
            pair = {module, other}
            if len(pair) == 2 and all(m.startswith("igcore.methods.") and m != "igcore.methods.base" for m in pair):
                told.append(f"{where} imports its sibling {other}; share through igcore.methods.base")
    try:
        graphlib.TopologicalSorter(graph).prepare()
    except graphlib.CycleError as error:
        told.append(f"imports run in a circle: {' → '.join(reversed(error.args[1]))}")
    return told


def our_sources():
    paths = [*ROOT.glob("igcore/**/*.py"), *ROOT.glob("ui/**/*.py"), *ROOT.glob("pages/**/*.py"), ROOT / "app.py"]
    sources = {}
    for path in filter(Path.is_file, paths):
        parts = path.relative_to(ROOT).with_suffix("").parts
        is_package = parts[-1] == "__init__"
        sources[".".join(parts[:-1] if is_package else parts), is_package] = path.read_text("utf-8")
    return sources


def test_our_modules_keep_to_their_layers():
    sources = our_sources()
    assert len(sources) > 20
    assert faults(sources) == []


@pytest.mark.parametrize(
    ("sources", "told"),
    [
        ({"igcore.images": "import igcore.errors", "igcore.errors": ""}, None),
        ({"igcore.checks": "from igcore.images import x", "igcore.images": ""}, None),
        ({"igcore.errors": "import igcore.images", "igcore.images": ""}, "layer 0 imports igcore.images of layer 1"),
        ({"igcore.errors": "from igcore import images", "igcore.images": ""}, "layer 0 imports igcore.images"),
        ({"igcore.errors": "from . import images", "igcore.images": ""}, "layer 0 imports igcore.images"),
        ({"igcore.errors": "from .images import x", "igcore.images": ""}, "layer 0 imports igcore.images"),
        ({"igcore.models.a": "from ..cli import x", "igcore.cli": ""}, "layer 2 imports igcore.cli of layer 7"),
        ({"igcore.errors": "def f():\n  import igcore.images", "igcore.images": ""}, "igcore.errors:2 of layer 0"),
        ({"igcore.errors": "import_module('igcore.images')", "igcore.images": ""}, "layer 0 imports igcore.images"),
        ({"igcore.images": "from igcore import load_model", "igcore": ""}, "layer 1 imports igcore of layer 4"),
        ({"ui.a": "import pages.b", "pages.b": ""}, "layer 8 imports pages.b of layer 9"),
        ({"app": "import ui.a", "ui.a": "import igcore", "igcore": ""}, None),
        ({"igcore.paths": "import igcore.images", "igcore.images": "import igcore.paths"}, "run in a circle"),
        ({"ui.a": "import ui.b", "ui.b": "def f():\n  import ui.c", "ui.c": "import ui.a"}, "run in a circle"),
        ({"ui.a": "if TYPE_CHECKING:\n  import ui.b", "ui.b": "import ui.a"}, None),
        ({"ui.a": "if typing.TYPE_CHECKING:\n  pass\nelse:\n  import ui.b", "ui.b": "import ui.a"}, "run in a circle"),
        ({"ui.a": "if not TYPE_CHECKING:\n  import ui.b", "ui.b": "import ui.a"}, "run in a circle"),
        ({"igcore.cli": "import streamlit as st"}, "igcore.cli:1 imports streamlit"),
        ({"igcore.heatmaps": "def f():\n  from plotly.express import imshow"}, "igcore.heatmaps:2 imports plotly"),
        ({"ui.a": "import streamlit, plotly.express", "pages.b": "import streamlit"}, None),
        ({"igcore.images": "import tensorflow as tf"}, "igcore.images:1 imports tensorflow"),
        ({"igcore.errors": "from tensorflow.io import x"}, "imports tensorflow"),
        ({"ui.a": "def f():\n  import tensorflow_hub"}, "ui.a:2 imports tensorflow_hub"),
        ({"app": "import tensorflow"}, "app:1 imports tensorflow"),
        ({"pages.a": "__import__('tensorflow')"}, "pages.a:1 imports tensorflow"),
        ({"igcore.models.a": "import tensorflow", "igcore.gradients": "import tensorflow"}, None),
        ({"igcore.methods.a": "from igcore.methods.b import x", "igcore.methods.b": ""}, "imports its sibling"),
        ({"igcore.methods.a": "from . import b", "igcore.methods.b": ""}, "imports its sibling igcore.methods.b"),
        ({"igcore.methods.a": "import igcore.methods.base", "igcore.methods.base": ""}, None),
        ({"igcore.methods": "import igcore.methods.a", "igcore.methods.a": ""}, None),
        ({"igcore.methods": "from .a import x", "igcore.methods.a": "from . import y"}, "run in a circle"),
        ({"igcore.helpers": ""}, "igcore.helpers stands in no layer"),
        ({"igcore.tools.a": ""}, "igcore.tools.a stands in no layer"),
        ({"ui.anything": "", "igcore.runtime.jobs": "", "pages.1_Compare": ""}, None),
    ],
)
def test_the_checker_tells_a_fault_where_there_is_one(sources, told):
    found = faults({(module, module in ("igcore", "igcore.methods")): text for module, text in sources.items()})
    assert (told in "\n".join(found)) if told else not found


def run(code):
    return subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)


def test_importing_igcore_takes_no_heavy_package():
    heavy = (
        "{'tensorflow', 'tensorflow_hub', 'keras', 'streamlit', 'plotly', 'scipy', 'skimage', 'jinja2', 'matplotlib'}"
    )
    done = run(f"import igcore, sys; print(sorted({heavy} & set(sys.modules)))")
    assert done.stdout.strip() == "[]", done.stderr


def test_every_public_name_and_the_command_line_load_without_tensorflow():
    done = run(
        "import sys\n"
        "sys.modules.update(dict.fromkeys(['tensorflow', 'tensorflow_hub', 'keras', 'streamlit', 'plotly']))\n"
        "import igcore, igcore.cli\n"
        "print(sorted(set(igcore.__all__) - {name for name in igcore.__all__ if getattr(igcore, name) is not None}))"
    )
    assert done.stdout.strip() == "[]", done.stderr


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="module 'igcore' has no attribute 'nothing'"):
        igcore.nothing  # noqa: B018
    assert set(igcore.__all__) == set(dir(igcore))


@pytest.mark.parametrize("first", ["igcore.explanation", "igcore.models.catalogue", "igcore.cli"])
def test_public_functions_stay_functions_whatever_was_imported_before(first):
    done = run(f"import {first}, igcore\nprint(callable(igcore.explain), callable(igcore.catalogue))")
    assert done.stdout.strip() == "True True", done.stderr


def test_a_server_does_without_keras_until_it_is_asked_for():
    done = run(
        "import sys\n"
        "from igcore.models import import_without_keras, load_model\n"
        "import_without_keras()\n"
        "load_model()\n"
        "print('keras' in sys.modules)\n"
        "import tensorflow as tf\n"
        "print(tf.keras.layers.Dense(3)(tf.zeros((1, 2))).shape, 'keras' in sys.modules)\n"
    )
    assert done.stdout.split("\n")[:2] == ["False", "(1, 3) True"], done.stderr


def test_who_uses_the_library_has_all_of_tensorflow():
    done = run("import igcore\nigcore.load_model()\nfrom tensorflow.keras.layers import Dense\nprint(Dense.__name__)\n")
    assert done.stdout.strip() == "Dense", done.stderr


def test_the_version_is_told_once():
    assert f'\nversion = "{igcore.__version__}"\n' in (ROOT / "pyproject.toml").read_text()
    assert (ROOT / "CHANGELOG.md").read_text().startswith(f"# Changelog\n\n## {igcore.__version__}\n")
