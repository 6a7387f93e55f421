"""Reads names of Python files from stdin and prints a JSON line with each one's public API."""
import ast
import json
import sys
import warnings

warnings.simplefilter("ignore")


def first_line_of(text):
    """The text in one line."""
    return " ".join(text.split())


def signature(node):
    """A function as it would be declared, without its body."""
    prefix = "async def" if isinstance(node, ast.AsyncFunctionDef) else "def"
    returns = f" -> {ast.unparse(node.returns)}" if node.returns else ""
    return f"{prefix} {node.name}({ast.unparse(node.args)}){returns}"


def entry(node, kind, text, members=()):
    """One exported name as the page shows it."""
    doc = ast.get_docstring(node) if kind != "constant" else None
    return {"name": getattr(node, "name", ""), "kind": kind, "signature": text, "doc": doc or "", "tags": [],
            "line": node.lineno, "members": list(members)}


def public(name):
    """Whether a name is public by custom."""
    return not name.startswith("_")


def methods(node):
    """Public methods of a class, and how it is made."""
    for child in node.body:
        if isinstance(child, (ast.FunctionDef, ast.AsyncFunctionDef)) and (public(child.name) or child.name == "__init__"):
            yield {"signature": signature(child), "doc": ast.get_docstring(child) or "", "line": child.lineno}


def exports(tree):
    """What a module offers: the names in __all__, else the public ones."""
    named = None
    for node in tree.body:
        if isinstance(node, ast.Assign) and any(isinstance(t, ast.Name) and t.id == "__all__" for t in node.targets):
            try:
                named = set(ast.literal_eval(node.value))
            except (ValueError, TypeError):
                pass
    wanted = (lambda name: name in named) if named is not None else public
    for node in tree.body:
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)) and wanted(node.name):
            yield entry(node, "function", signature(node))
        elif isinstance(node, ast.ClassDef) and wanted(node.name):
            bases = ", ".join(ast.unparse(base) for base in node.bases)
            yield entry(node, "class", f"class {node.name}({bases})" if bases else f"class {node.name}", methods(node))
        elif isinstance(node, (ast.Assign, ast.AnnAssign)):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            for target in targets:
                if not isinstance(target, ast.Name) or not wanted(target.id) or not (named or target.id.isupper()):
                    continue
                kind = f": {ast.unparse(node.annotation)}" if isinstance(node, ast.AnnAssign) else ""
                value = first_line_of(ast.unparse(node.value)) if node.value is not None else ""
                value = f" = {value}" if 0 < len(value) <= 80 else ""
                yield {**entry(node, "constant", f"{target.id}{kind}{value}"), "name": target.id}


for path in sys.stdin.read().split("\n"):
    if not path:
        continue
    try:
        with open(path, "rb") as source:
            tree = ast.parse(source.read(), path)
        found = list(exports(tree))
        print(json.dumps({"file": path, "doc": ast.get_docstring(tree) or "", "exports": found}))
    except (SyntaxError, ValueError, RecursionError, MemoryError, OSError) as error:
        print(json.dumps({"file": path, "error": str(error)}))
