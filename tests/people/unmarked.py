"""What people are told in the source and nobody marked for translation: refusals, mistakes, notices."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator

MARKS = {"_", "gettext", "gettext_lazy", "gettext_noop", "ngettext", "ngettext_lazy", "pgettext", "Sentence"}
SAYS = {"sentence", "message", "said", "why", "text", "title", "fields", "wrong"}
"""Parameters that hold what a person reads."""
UNSAID = {"code", "extra", "extra_tags", "headers"}
"""Arguments that no person reads."""
WORD = re.compile(r"[^\W\d_]{2,}")
SPACED = re.compile(r"\S\s+\S|^\s|[.;!?]$")
Function = ast.FunctionDef | ast.AsyncFunctionDef


def kinds(trees: Iterable[ast.Module]) -> set[str]:
    """The classes of refusals, and ``wrong``, which makes one."""
    bases = {
        node.name: {_name(base) for base in node.bases}
        for tree in trees
        for node in ast.walk(tree)
        if isinstance(node, ast.ClassDef)
    }
    known = {"Refusal", "Problem", "wrong"}
    while more := {name for name, over in bases.items() if over & known} - known:
        known |= more
    return known


def unmarked(tree: ast.Module, known: set[str]) -> Iterator[tuple[int, str]]:
    """Line and source of each sentence that a person is told in the language it was written in."""
    homes = {
        id(inner): node for node in ast.walk(tree) if isinstance(node, Function) for inner in ast.walk(node)
    }
    tellers = _tellers(tree, known, homes)
    for call in _calls(tree):
        if _tells(call, tellers):
            for argument in _said(call):
                for bare in _bare(argument, [homes.get(id(call)), tree], frozenset(), _words(call)):
                    yield bare.lineno, ast.unparse(bare)


def _tellers(tree: ast.Module, known: set[str], homes: dict[int, Function]) -> set[str]:
    """What is called to tell people, here: refusals, and functions that hand their sentence on to one."""
    found = set(known)
    while True:
        homes_of_calls = [(homes.get(id(call)), call) for call in _calls(tree) if _tells(call, found)]
        more = {
            home.name
            for home, call in homes_of_calls
            if home is not None
            and home.name != "__init__"
            and SAYS & {one.arg for one in [*home.args.args, *home.args.kwonlyargs]} & set(_names(call))
        }
        if more <= found:
            return found
        found |= more


def _tells(call: ast.Call, tellers: set[str]) -> bool:
    if isinstance(call.func, ast.Attribute):
        return (_name(call.func.value), call.func.attr) in {
            ("mistakes", "add"),
            *(("messages", level) for level in ("success", "info", "warning", "error")),
        }
    return _name(call.func) in tellers | {"say", "_told"}


def _bare(
    node: ast.AST, places: list[ast.AST | None], followed: frozenset[str], words: set[str]
) -> Iterator[ast.expr]:
    """The texts in an expression outside every mark; a name stands for all that is assigned to it."""
    if isinstance(node, ast.Call) and _name(node.func) in MARKS:
        return
    if isinstance(node, ast.Name):
        if node.id not in followed:
            for value in _assigned(node.id, places):
                yield from _bare(value, places, followed | {node.id}, words)
    elif isinstance(node, ast.JoinedStr):
        pieces = [one.value for one in node.values if isinstance(one, ast.Constant)]
        if (
            not set(WORD.findall(" ".join(map(str, pieces)))) <= words
        ):  # a field's name is the same everywhere
            yield node
    elif isinstance(node, ast.Constant):
        if isinstance(node.value, str) and WORD.search(node.value) and SPACED.search(node.value):
            yield node
    else:
        for child in ast.iter_child_nodes(node):
            yield from _bare(child, places, followed, words)


def _assigned(name: str, places: list[ast.AST | None]) -> Iterator[ast.expr]:
    """What is assigned to a name, or into it, in the nearest place that knows it."""
    for place in filter(None, places):
        found = [
            node.value
            for node in (place.body if isinstance(place, ast.Module) else ast.walk(place))
            if isinstance(node, ast.Assign | ast.AnnAssign | ast.AugAssign)
            and node.value is not None
            and name
            in {_name(one.value if isinstance(one, ast.Subscript) else one) for one in _targets(node)}
        ]
        if found:
            yield from found
            return


def _targets(node: ast.Assign | ast.AnnAssign | ast.AugAssign) -> list[ast.expr]:
    return node.targets if isinstance(node, ast.Assign) else [node.target]


def _said(call: ast.Call) -> list[ast.expr]:
    return [*call.args, *(one.value for one in call.keywords if one.arg not in UNSAID)]


def _words(call: ast.Call) -> set[str]:
    """Names of fields in a call."""
    return {str(one.value) for one in ast.walk(call) if isinstance(one, ast.Constant)}


def _names(node: ast.AST) -> list[str]:
    return [one.id for one in ast.walk(node) if isinstance(one, ast.Name)]


def _calls(tree: ast.AST) -> list[ast.Call]:
    return [node for node in ast.walk(tree) if isinstance(node, ast.Call)]


def _name(node: ast.AST) -> str:
    return str(getattr(node, "id", getattr(node, "attr", "")))
