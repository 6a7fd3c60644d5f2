"""What deploy/ says in files that are no code: the commands it starts, and the names it uses."""

import json
import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from tests.deploy.generate import DEPLOY

COMMANDS = ("faultline", "faultline-trainer")

BASE = DEPLOY / "kubernetes" / "base"


def texts() -> Iterator[tuple[Path, str]]:
    for path in sorted(DEPLOY.rglob("*")):
        if path.is_file():
            yield path, path.read_text()


def documents(folder: Path = BASE) -> list[dict[str, Any]]:
    return [
        document
        for path in sorted(folder.glob("*.yaml"))
        if path.name not in ("config.yaml", "kustomization.yaml")
        for document in yaml.safe_load_all(path.read_text())
    ]


def pods(found: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """The pod templates of some manifests, by kind and name."""
    templates = {}
    for document in found:
        spec = document.get("spec", {})
        if document["kind"] == "CronJob":
            spec = spec["jobTemplate"]["spec"]
        if "template" in spec and document["kind"] in ("StatefulSet", "Deployment", "CronJob"):
            templates[f"{document['kind']} {document['metadata']['name']}"] = spec["template"]
    return templates


def services() -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = yaml.safe_load((DEPLOY / "compose.yaml").read_text())["services"]
    return found


def invocations() -> list[tuple[str, list[str]]]:
    """Every command of ours that deploy/ starts or tells to start: where it stands, and its words."""
    found = [("systemd", shlex.split(line)) for line in unit("ExecStart")]
    dockerfile = (DEPLOY / "docker" / "Dockerfile").read_text()
    entry, default = (re.search(rf"^{name} (\[.*\])$", dockerfile, re.MULTILINE) for name in ("ENTRYPOINT", "CMD"))
    assert entry
    assert default
    image, words = json.loads(entry[1]), json.loads(default[1])
    found.append(("Dockerfile", image + words))
    for name, service in services().items():
        if service["image"].startswith("faultline"):
            unless_told = [] if "entrypoint" in service else words
            found.append((f"compose {name}", service.get("entrypoint", image) + service.get("command", unless_told)))
    for name, pod in pods(documents()).items():
        for container in pod["spec"]["containers"]:
            found.append((name, container.get("command", image) + container.get("args", [])))
    runbook = (DEPLOY / "runbook.md").read_text()
    found += [
        ("runbook", ["sh", line]) for line in re.findall(r"^    (faultline.*?)(?:\s{2,}#.*)?$", runbook, re.MULTILINE)
    ]
    return [(where, words) for where, told in found for words in unwrapped(told)]


def unwrapped(words: list[str]) -> Iterator[list[str]]:
    """The commands of ours in a command, which may be a shell's."""
    if Path(words[0]).name in COMMANDS:
        yield [Path(words[0]).name, *words[1:]]
    elif words[0] == "sh":
        script = re.sub(r'"\$\$\(.*\)"', "X", words[-1])  # what the shell puts there
        for line in re.findall(r"(?:^|[\s&|{;])(faultline(?:-trainer)? [^\n&|;}]*)", script):
            yield shlex.split(line, comments=True)


def unit(key: str) -> list[str]:
    """The values of a key of the systemd unit."""
    text = (DEPLOY / "systemd" / "faultline@.service").read_text()
    return re.findall(rf"^{key}=(.*)$", text, re.MULTILINE)
