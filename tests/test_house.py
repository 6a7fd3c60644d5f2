"""House rules that import-linter cannot express; layers and doors of heavy libraries stand in pyproject.toml."""

import ast
import collections
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

PRODUCT = ("detector", "trainer")

WALL_CLOCK = {
    "detector.service.daemon",
    "detector.host",
    "detector.kafka.start_positions",
    "detector.kafka.tls_diagnosis",
    "detector.kafka.readers.label_topic",
    "detector.kafka.sink",
    "detector.teaching.session",
    "detector.commands.search",
}
"""Modules of the detector that may read the wall clock: for a latency, a record's timestamp, the start of a foreign
commit's lookback, "today" in an operator's command, a certificate's expiry and the check of the clock itself. All
waiting uses the monotonic clock, which nobody can set."""

VAGUE = {"told", "one", "place", "heard", "kept", "made", "seen", "said", "asked", "thing", "stuff"}
"""Pronouns and bare participles that name nothing."""

QUESTION = re.compile(r"(What|Who|Whose|Where|When|How|Why|Which)\b")

MOST_POSITIONAL = 5
"""Arguments that a reader can still tell apart without their names."""

MOST_MODULES = 14
"""Modules in a folder; a folder of verbs has as many as there are verbs."""


def parse(package: str) -> dict[str, ast.Module]:
    """Return every module of a package by its dotted name."""
    paths = sorted((ROOT / package).rglob("*.py"))
    return {".".join(path.relative_to(ROOT).with_suffix("").parts): ast.parse(path.read_text()) for path in paths}


MODULES = {name: tree for package in PRODUCT for name, tree in parse(package).items()}


def nodes(*kinds: type[ast.AST]) -> Iterator[tuple[str, ast.AST]]:
    """Yield every node of these kinds with the module it stands in."""
    for module, tree in MODULES.items():
        for node in ast.walk(tree):
            if isinstance(node, kinds):
                yield f"{module}:{getattr(node, 'lineno', 1)}", node


def imports(tree: ast.AST) -> Iterator[str]:
    """Yield every name that a module imports, wherever the import stands."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module or ""
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def test_imports_are_absolute():
    assert not [where for where, node in nodes(ast.ImportFrom) if node.level]


def reads_the_wall_clock(tree: ast.Module) -> bool:
    clocks = {"time.time", "datetime.now", "datetime.utcnow", "datetime.today", "date.today"}
    imported = set(imports(tree))
    called = {ast.unparse(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)}
    return bool(called & clocks) or ("time.time" in imported and "time" in called)


def test_waiting_uses_a_clock_that_nobody_can_set():
    detector = {name: tree for name, tree in MODULES.items() if name.startswith("detector.")}
    assert {module for module, tree in detector.items() if reads_the_wall_clock(tree)} == WALL_CLOCK


def test_only_main_catches_everything():
    for where, node in nodes(ast.ExceptHandler):
        caught = ast.unparse(node.type) if node.type else ""
        assert caught not in ("", "Exception", "BaseException") or "__main__" in where, where


@pytest.mark.parametrize("module", ["detector", "detector.config.loader", "detector.__main__", "detector.commands.run"])
def test_an_import_costs_no_heavy_library(module):
    heavy = ("tensorflow", "keras", "faiss", "confluent_kafka", "prometheus_client")
    code = f"import sys, {module}; print(*[name for name in {heavy!r} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert done.stdout.strip() == ""


PRINTERS = {"detector.terminal.printing", "detector.log", "detector.process.entry_point"}
"""Modules that may write to the terminal: they make every text harmless. The last one prints last words itself, because
the terminal's own module may be what has failed."""


def test_nothing_is_printed_but_by_the_terminal():
    for where, node in nodes(ast.Call):
        called, module = ast.unparse(node.func), where.partition(":")[0]
        writes = called in ("print", "sys.stdout.write", "sys.stderr.write") or called.endswith("console.print")
        is_completion = "shtab" in ast.unparse(node)  # a script of our own, with longer lines
        assert module in PRINTERS or is_completion or not writes, where


def test_no_class_name_stands_for_two_things():
    names = collections.Counter(node.name for _, node in nodes(ast.ClassDef) if not node.name.startswith("_"))
    assert not [name for name, count in names.items() if count > 1]


def test_no_identifier_is_a_pronoun_or_a_bare_participle():
    used = [f"{where} {node.id}" for where, node in nodes(ast.Name) if node.id in VAGUE]
    parameters = [f"{where} {node.arg}" for where, node in nodes(ast.arg) if node.arg in VAGUE]
    assert not used + parameters


def test_no_docstring_begins_with_a_question():
    documented = nodes(ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    assert not [where for where, node in documented if QUESTION.match(ast.get_docstring(node) or "")]


def test_no_call_is_a_wall_of_positional_arguments():
    assert not [where for where, node in nodes(ast.Call) if len(node.args) > MOST_POSITIONAL]


def test_argparse_stays_in_the_commands():
    for where, node in nodes(ast.Attribute):
        if node.attr == "Namespace":
            assert ".commands." in where or "__main__" in where, where


def test_a_folder_is_small_enough_to_look_through():
    folders = collections.Counter(name.rpartition(".")[0] for name in MODULES if not name.endswith("__init__"))
    assert not [folder for folder, count in folders.items() if count > MOST_MODULES and ".commands" not in folder]
