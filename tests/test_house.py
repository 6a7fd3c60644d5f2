"""The house's rules, as far as they can be read off the source: what may import what, and what an import costs."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

FLOORS = (
    ("core.features", "core.cells", "core.budgets"),
    ("core.samples",),
    ("core.votes",),
    ("core.frontier",),
    ("core.turns",),
    ("core.windows",),
    ("core.networks.spec", "core.networks.views"),
    ("core.networks.joining", "core.networks.normalising"),
    (
        "core.networks.tree",
        "core.networks.recurrent",
        "core.networks.conv",
        "core.networks.transformer",
        "core.networks.shared",
    ),
    ("core.networks.lstm", "core.networks.gru"),
    ("core.networks.kinds",),
    ("core.encoder",),
    ("core.library",),
    ("core.scores",),
    ("core.tails",),
    ("core.witnesses",),
    ("core.verdicts",),
    ("core.alarms", "core.settings", "core.assessment", "core.carriers"),
    ("core.evidence", "core.intake"),
    ("core.pipeline",),
    ("errors", "log", "quiet", "supervisor"),
    ("seals", "filling"),
    ("config", "bundle", "labels", "notifications", "times"),
    ("history", "teaching"),
    ("report", "looking"),
    ("summary", "asking"),
    ("certificates",),
    ("kafka.properties", "kafka.refusals"),
    ("kafka.cluster",),
    ("kafka.presence", "kafka.publisher", "kafka.lag"),
    ("kafka.tables", "kafka.addresses", "kafka.transactions"),
    ("kafka.source", "kafka.sink"),
    ("kafka.reader", "kafka.spans", "kafka.shelf"),
    ("kafka.lookback", "kafka.trail", "kafka.reached", "filed", "chronicle"),
    ("entrance",),
    ("canary", "judging", "hearing", "metrics", "endpoints", "replaying", "shelved", "explaining"),
    ("radii", "reproducing", "preview", "searching", "unknowns", "packs", "shadow", "promotion"),
    ("lesson",),
    ("receiving",),
    ("telling",),
    ("office", "watchdog"),
    ("succession", "holdings", "publishing"),
    ("service",),
    ("commands.run", "commands.check", "commands.topics", "commands.replay"),
    ("commands.teach", "commands.labels", "commands.forget"),
    ("commands.explain", "commands.reproduce", "commands.search"),
    ("commands.shadow", "commands.promote", "commands.rollback"),
    ("commands.unknowns", "commands.confirm", "commands.reject", "commands.pack"),
    ("__main__",),
)
"""From the ground up. A module imports from the floors below its own, and never from its own or above."""

NETWORKS = {
    f"core.networks.{name}"
    for name in (
        *("views", "joining", "normalising", "tree", "recurrent", "lstm", "gru", "conv", "transformer", "shared"),
        "kinds",
    )
}
"""Written in Keras' operations, so that they also run where there is no TensorFlow; only the encoder needs that."""

CLIENTS = (
    "cluster",
    "refusals",
    "presence",
    "lag",
    "publisher",
    "tables",
    "addresses",
    "reached",
    "transactions",
    "source",
    "sink",
    "reader",
    "spans",
)

DOORS = {
    "tensorflow": {"core.encoder"},
    "keras": {"core.encoder", "core.networks.kinds", *NETWORKS},
    "faiss": {"core.library"},
    "yaml": {"config"},
    "pyarrow": {"history"},
    "prometheus_client": {"metrics", "endpoints"},
    "cryptography": {"certificates"},
    "confluent_kafka": {f"kafka.{name}" for name in CLIENTS},
}
"""The heavy libraries, and where each comes in."""

PURE = {"time", "os", "logging", "random", "socket", "threading", "prometheus_client", "confluent_kafka", "yaml"}
"""What nothing in the core asks for: it is given the time, and it tells by what it returns."""

WALL_CLOCK = {"service", "kafka.addresses", "kafka.refusals", "kafka.shelf", "kafka.sink", "lesson", "commands.search"}
"""Who asks what time it is: for a latency, a record's stamp, and where a foreign commit's memory begins; and for an
operator, who speaks of today, or whose certificate is over. All that is waited for goes by the monotonic clock, which
nobody can set."""

FLOOR_OF = {module: floor for floor, modules in enumerate(FLOORS) for module in modules}


def modules(package: str) -> dict[str, ast.Module]:
    """Every module of a package by its name inside it, parsed; packages' own docstring files aside."""
    folder = ROOT / package
    found = {}
    for path in sorted(folder.rglob("*.py")):
        name = ".".join(path.relative_to(folder).with_suffix("").parts)
        if not name.endswith("__init__"):
            found[name] = ast.parse(path.read_text())
    return found


def imports(tree: ast.AST) -> Iterator[str]:
    """Every module named in an import, wherever it stands in the file."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, "imports are absolute"
            yield node.module or ""
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


DETECTOR = modules("detector")


def own(name: str) -> str | None:
    """The module of the detector that an imported name is, or is in, without its package; None if it is another's."""
    inside = name.removeprefix("detector.")
    return inside if inside != name and inside in DETECTOR else None


def test_every_module_has_a_floor():
    assert set(DETECTOR) == set(FLOOR_OF)


@pytest.mark.parametrize("module", DETECTOR)
def test_imports_point_downward(module):
    upward = {
        other
        for name in imports(DETECTOR[module])
        if (other := own(name)) is not None and FLOOR_OF[other] >= FLOOR_OF[module]
    }
    assert not upward, f"detector.{module} imports from its own floor or above"


def test_the_detector_knows_no_trainer():
    for module, tree in DETECTOR.items():
        assert not [name for name in imports(tree) if name.split(".")[0] in ("trainer", "tests")], module


@pytest.mark.parametrize("library", DOORS)
def test_a_heavy_library_comes_in_by_its_doors_alone(library):
    users = {module for module, tree in DETECTOR.items() if library in {name.split(".")[0] for name in imports(tree)}}
    assert users == DOORS[library]


def test_the_core_asks_for_no_time_and_tells_nobody():
    for module, tree in DETECTOR.items():
        if module.startswith("core."):
            assert not PURE & {name.split(".")[0] for name in imports(tree)}, module


def asks_the_wall_clock(tree: ast.Module) -> bool:
    clocks = {"time.time", "datetime.now", "datetime.utcnow", "datetime.today", "date.today"}
    imported = set(imports(tree))
    called = {ast.unparse(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)}
    return bool(called & clocks) or ("time.time" in imported and "time" in called)


def test_time_outs_go_by_a_clock_that_nobody_can_set():
    assert {module for module, tree in DETECTOR.items() if asks_the_wall_clock(tree)} == WALL_CLOCK


def test_only_main_catches_everything():
    for package in ("detector", "trainer"):
        for module, tree in modules(package).items():
            for node in ast.walk(tree):
                if isinstance(node, ast.ExceptHandler) and not module.endswith("__main__"):
                    caught = ast.unparse(node.type) if node.type else ""
                    assert caught not in ("", "Exception", "BaseException"), f"{package}.{module}"


@pytest.mark.parametrize("module", ["detector", "detector.config", "detector.__main__", "detector.commands.run"])
def test_an_import_costs_no_heavy_library(module):
    heavy = ("tensorflow", "keras", "faiss", "confluent_kafka", "prometheus_client", "cryptography")
    code = f"import sys, {module}; print(*[name for name in {heavy!r} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert done.stdout.strip() == ""
