"""Runs unittest's discovery and writes the results as JSON lines: status, name, file, line, message.

Usage: unittest_report.py <report file>, in the folder of the project.
"""
import inspect
import json
import os
import sys
import traceback
import unittest


class Recorder(unittest.TextTestResult):
    """Writes each result down as it comes."""

    def record(self, test, status, error=None):
        entry = {"status": status, "name": test.id(), "file": None, "line": None, "message": ""}
        try:
            entry["file"] = os.path.relpath(inspect.getsourcefile(type(test)))
        except (TypeError, ValueError):
            pass
        if error is not None:
            frames = traceback.extract_tb(error[2])
            own = [frame for frame in frames if os.path.abspath(frame.filename).startswith(os.getcwd() + os.sep)]
            if own:
                entry["file"], entry["line"] = os.path.relpath(own[-1].filename), own[-1].lineno
            entry["message"] = "".join(traceback.format_exception_only(error[0], error[1])).strip()
        REPORT.write(json.dumps(entry) + "\n")

    def addSuccess(self, test):
        super().addSuccess(test)
        self.record(test, "passed")

    def addFailure(self, test, err):
        super().addFailure(test, err)
        self.record(test, "failed", err)

    def addError(self, test, err):
        super().addError(test, err)
        self.record(test, "failed", err)

    def addSkip(self, test, reason):
        super().addSkip(test, reason)
        self.record(test, "skipped")

    def addExpectedFailure(self, test, err):
        super().addExpectedFailure(test, err)
        self.record(test, "passed")

    def addUnexpectedSuccess(self, test):
        super().addUnexpectedSuccess(test)
        self.record(test, "failed")


REPORT = open(sys.argv[1], "w", encoding="utf-8")
sys.path.insert(0, os.getcwd())
suite = unittest.TestSuite()
loader = unittest.TestLoader()
seen = set()
for folder, names, files in os.walk("."):
    names[:] = sorted(n for n in names if not n.startswith(".") and n not in ("node_modules", "venv", "__pycache__", "fixtures"))
    tests = any(name.startswith("test") and name.endswith(".py") for name in files)
    if not tests or any(folder == done or (folder.startswith(done + os.sep) and os.path.exists(os.path.join(folder, "__init__.py"))) for done in seen):
        continue
    seen.add(folder)
    top = "." if folder == "." or os.path.exists(os.path.join(folder, "__init__.py")) else folder
    # A loader remembers its top folder.
    suite.addTests(unittest.TestLoader().discover(folder, top_level_dir=top))
result = unittest.TextTestRunner(resultclass=Recorder, verbosity=2).run(suite)
REPORT.close()
sys.exit(0 if result.wasSuccessful() else 1)
