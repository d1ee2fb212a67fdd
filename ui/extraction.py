"""What Babel reads from the engine's source: labels of its registries, and sentences that reach a page.

`CONTRIBUTING.md` has the commands; nothing here runs while the dashboard does.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import IO, Any

from ui.language import LINE

__all__ = ["engine"]

#: Names of arguments and constants that hold what a person reads beside a control.
LABELS = {"label", "help", "unit", "description"}

#: Where such texts stand in the registries' entries that name no arguments.
POSITIONS = {"BaselineSpec": (1, 2), "Photo": (1, 2), "ColorMap": (1,), "MethodSpec": (1, 2), "MetricSpec": (1, 2)}

#: What Babel takes: line, function, text or (context, text), comments.
Found = tuple[int, str, Any, list[str]]


def engine(file: IO[bytes], _keywords: Any, _comments: Any, options: dict[str, str]) -> Iterator[Found]:
    """Yield the texts of one module of the engine.

    Parameters
    ----------
    file : binary file
    options : dict
        With `sentences`, every sentence of the module counts, not only those of its errors.
    """
    tree = ast.parse(file.read())
    for node in ast.walk(tree):
        for at, text in _labels(node):
            yield at, "", text, []
    roots = [tree] if options.get("sentences") else [node.exc for node in ast.walk(tree) if isinstance(node, ast.Raise)]
    for root in roots:
        for at, form in _forms(root):
            yield at, "pgettext", (LINE, form), []


def _labels(node: ast.AST) -> Iterator[tuple[int, str]]:
    """Yield the texts that are labels in one call or assignment."""
    values: list[ast.expr | None] = []
    if isinstance(node, ast.keyword) and node.arg in LABELS:
        values = [node.value]
    elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in POSITIONS:
        values = [node.args[at] for at in POSITIONS[node.func.id] if at < len(node.args)]
    elif isinstance(node, ast.Assign | ast.AnnAssign):
        target = node.targets[0] if isinstance(node, ast.Assign) else node.target
        name = target.id.lower() if isinstance(target, ast.Name) else ""
        if name in LABELS or name.endswith("_help"):
            values = [node.value]
    for value in values:
        if isinstance(value, ast.Constant) and isinstance(value.value, str) and value.value.strip():
            yield value.lineno, value.value


def _forms(root: ast.AST | None) -> Iterator[tuple[int, str]]:
    """Yield the forms of the sentences below a node: every text with two words or more, docstrings aside."""
    if root is None:
        return
    passed = {id(node.value) for node in ast.walk(root) if isinstance(node, ast.Expr)}
    waiting = [root]
    while waiting:
        node = waiting.pop()
        if id(node) in passed:
            continue
        if isinstance(node, ast.JoinedStr):
            places = [part for part in node.values if isinstance(part, ast.FormattedValue)]
            numbers = {id(part): at for at, part in enumerate(places)}
            form = "".join(
                str(part.value) if isinstance(part, ast.Constant) else f"{{{numbers[id(part)]}}}"
                for part in node.values
            )
            if _is_sentence(form):
                yield node.lineno, form
            waiting += [part.value for part in places]
        elif isinstance(node, ast.Constant):
            if isinstance(node.value, str) and _is_sentence(node.value):
                yield node.lineno, node.value
        else:
            waiting += list(ast.iter_child_nodes(node))


def _is_sentence(form: str) -> bool:
    """Whether a form is more than a name or a mark."""
    words = form.replace("{", " ").replace("}", " ").split()
    return " " in form.strip() and any(word.isalpha() and len(word) > 1 for word in words)
