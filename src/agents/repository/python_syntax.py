"""Reads names of Python files from stdin and prints a JSON line for each one that does not parse."""
import ast
import json
import sys
import warnings

warnings.simplefilter("ignore")
for path in sys.stdin.read().split("\n"):
    if not path:
        continue
    try:
        with open(path, "rb") as source:
            ast.parse(source.read(), path)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        line = getattr(error, "lineno", None) or 1
        message = getattr(error, "msg", None) or str(error) or type(error).__name__
        print(json.dumps({"file": path, "line": line, "message": message}))
    except OSError:
        pass
