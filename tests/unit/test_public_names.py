"""Every module says what is public in it, and that is there and documented."""

from __future__ import annotations

import ast
import importlib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FILES = {
    file.relative_to(ROOT).with_suffix("").as_posix().replace("/", "."): file
    for package in ("siftcore", "dognets")
    for file in sorted((ROOT / package).rglob("*.py"))
    # Importing these runs the command line.
    if file.name != "__main__.py"
}
Definition = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef


def is_command(definition: ast.stmt) -> bool:
    """Whether a decorator hands it to the command line, which is how it is reached."""
    decorators = getattr(definition, "decorator_list", [])
    return any(
        isinstance(one, ast.Call) and ast.unparse(one.func) == "app.command" for one in decorators
    )


def definitions(tree: ast.Module) -> dict[str, Definition]:
    return {node.name: node for node in tree.body if isinstance(node, Definition)}


def listed(tree: ast.Module) -> list[str] | None:
    """What ``__all__`` holds; None where there is none."""
    for node in tree.body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__":
            return list(ast.literal_eval(node.value))
    return None


def complaints(source: str) -> list[str]:
    """What is wrong with a module's ``__all__``."""
    tree = ast.parse(source)
    defined = definitions(tree)
    public = [name for name in defined if not name.startswith("_")]
    names = listed(tree)
    if names is None:
        return ["has no __all__"] if public else []
    wrong = [
        f"{name} is not in __all__"
        for name in public
        if name not in names and not is_command(defined[name])
    ]
    wrong += [f"{name} is in __all__ twice" for name in set(names) if names.count(name) > 1]
    wrong += [
        f"{name} has no docstring"
        for name in names
        if name in defined and not ast.get_docstring(defined[name])
    ]
    return wrong


@pytest.mark.parametrize("module", FILES)
def test_what_is_public_is_listed_and_documented(module: str) -> None:
    assert complaints(FILES[module].read_text(encoding="utf-8")) == []


@pytest.mark.parametrize("module", FILES)
def test_what_is_listed_is_there(module: str) -> None:
    names = listed(ast.parse(FILES[module].read_text(encoding="utf-8")))
    if module.startswith("dognets"):
        pytest.importorskip("torch", reason="needs torch")
    loaded = importlib.import_module(module.removesuffix(".__init__"))
    assert [name for name in names or () if not hasattr(loaded, name)] == []


def test_omissions_are_noticed() -> None:
    assert complaints("def one():\n    'Doc.'\n") == ["has no __all__"]
    assert complaints("__all__ = ['one']\ndef one():\n    pass\n") == ["one has no docstring"]
    assert complaints("__all__ = []\nclass A:\n    pass\n") == ["A is not in __all__"]
    assert complaints("__all__ = ['x', 'x']\nx = 1\n") == ["x is in __all__ twice"]
    assert complaints("__all__ = []\n@app.command('a')\ndef a():\n    pass\n") == []
    assert complaints("def _one():\n    pass\n") == []
