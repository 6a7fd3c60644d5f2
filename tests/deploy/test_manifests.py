"""Everything that deploy/ names exists: flags, knobs, ports, paths, metrics; and its manifests hold together."""

import importlib.util
import re
import shutil

import msgspec
import pytest
import yaml
from prometheus_client import generate_latest

from detector import __version__
from detector.__main__ import VERBS
from detector.command_line import command_line
from detector.config.loader import read_config
from detector.config.schema import Config, Runtime
from detector.service.metrics import Metrics
from tests.deploy.generate import DEPLOY, generated
from tests.deploy.programs import ask
from tests.deploy.words import BASE, documents, invocations, pods, services, texts, unit
from tests.kafka.broker import ROOT
from trainer.__main__ import VERBS as TRAINERS_VERBS

PARSERS = {
    "faultline": command_line("faultline", "detector.commands", VERBS),
    "faultline-trainer": command_line("faultline-trainer", "trainer.commands", TRAINERS_VERBS),
}

SECTIONS = r"\b(?<![\w./-])(kafka|minutes|alarms|limits|http|runtime|log)\.([a-z0-9_]+)(?:\.([a-z_]+))?"

IMAGES = {"faultline:cpu", "faultline:gpu"}

PATHS = {"/metrics", "/livez", "/readyz"}

FOREIGN = {"ServiceMonitor", "PodMonitor", "PrometheusRule", "ScaledObject"}
"""Kinds of operators, whose schemas Kubernetes does not know."""

KUBERNETES = "1.34"


@pytest.fixture
def config(monkeypatch):
    monkeypatch.setenv("FAULTLINE_INSTANCE", "a-0")
    monkeypatch.setenv("FAULTLINE_BROKERS", "broker:9092")
    return read_config(DEPLOY / "config.yaml")


@pytest.mark.parametrize(("where", "words"), invocations())
def test_a_command_is_understood_by_the_program(where, words):
    PARSERS[words[0]].parse_args(words[1:])


def test_commands_are_found_everywhere():
    wheres = {where.split()[0] for where, _ in invocations()}
    assert wheres == {"systemd", "Dockerfile", "compose", "StatefulSet", "CronJob", "Deployment", "runbook"}


def test_what_is_made_is_what_lies_there():
    for path, text in generated().items():
        assert path.read_text() == text, f"{path}: run `python -m tests.deploy.generate`"


def test_the_configuration_is_good_and_its_paths_are_those_of_the_mounts(config):
    assert config.kafka.instance == "a-0"
    assert config.kafka.common["bootstrap.servers"] == "broker:9092"
    mounts = {mount["mountPath"] for mount in containers()["StatefulSet detector"]["volumeMounts"]}
    assert any(config.bundle.startswith(f"{mount}/") for mount in mounts - {"/tmp"})
    assert any(config.bundle.startswith(volume.split(":")[1]) for volume in services()["detector"]["volumes"])


def test_every_knob_that_is_named_exists():
    fields = {field.name: field.type for field in msgspec.structs.fields(Config)}
    for path, text in texts():
        for section, knob, deeper in re.findall(SECTIONS, text):
            knobs = {field.name: field.type for field in msgspec.structs.fields(fields[section])}
            assert knob in knobs, f"{path.name}: {section}.{knob}"
            if deeper and knob == "topics":
                assert deeper in {field.name for field in msgspec.structs.fields(knobs[knob])}


def test_every_metric_that_is_named_exists():
    exposed = set(
        re.findall(r"^(?:# TYPE )?(faultline_\w+)", generate_latest(Metrics().registry).decode(), re.MULTILINE)
    )
    exposed |= {name.removesuffix("_total") for name in exposed}
    recorded = set(re.findall(r"record: (\S+)", (DEPLOY / "prometheus" / "recording.yml").read_text()))
    for path, text in texts():
        assert set(re.findall(r"faultline_[a-z_]+\w", text)) <= exposed, path.name
        assert set(re.findall(r"faultline:\w+(?::\w+)?(?=[^\w:.-])", text)) <= recorded | {
            "faultline:cpu",
            "faultline:gpu",
        }


def test_every_port_is_the_configurations(config):
    port = config.http.port
    detector = containers()["StatefulSet detector"]
    assert [named["containerPort"] for named in detector["ports"]] == [port]
    assert services()["detector"]["expose"] == [str(port)]
    assert f"EXPOSE {port}\n" in (DEPLOY / "docker" / "Dockerfile").read_text()
    assert f"detector:{port}" in (DEPLOY / "prometheus" / "prometheus.yml").read_text()
    (policy,) = [one for one in documents() if one["kind"] == "NetworkPolicy"]
    assert [allowed["port"] for allowed in policy["spec"]["ingress"][0]["ports"]] == [port]


def test_every_path_that_is_asked_exists():
    for path, text in texts():
        asked = set(re.findall(r"(?:[Gg]et: {path: |port: http, path: |:9108)(/\w+)", text))
        assert asked <= PATHS, path.name


def test_the_limit_of_memory_is_one():
    recorded = (DEPLOY / "prometheus" / "recording.yml").read_text()
    assert "vector(6 * 1024 * 1024 * 1024)" in recorded
    assert unit("MemoryMax") == ["6G"]
    assert services()["detector"]["mem_limit"] == "6g"
    assert containers()["StatefulSet detector"]["resources"]["limits"]["memory"] == "6Gi"


def test_systemd_waits_longer_than_the_daemons_own_watchdog():
    assert int(unit("WatchdogSec")[0]) >= 2 * Runtime().stall_seconds


def test_systemd_accepts_the_unit_and_finds_it_little_exposed(fetched):
    analyze = fetched("systemd-analyze")
    said = ask([analyze, "security", "--offline=true", str(DEPLOY / "systemd" / "faultline@.service")])
    assert float(re.search(r"exposure level for \S+: ([\d.]+)", said)[1]) <= 2.0


def test_systemd_knows_every_word_of_the_unit(fetched, tmp_path):
    """With a program in place of ours, which is not installed here."""
    folder = tmp_path / "system"
    folder.mkdir()
    text = (DEPLOY / "systemd" / "faultline@.service").read_text()
    (folder / "faultline@.service").write_text(text.replace("/opt/faultline/bin/faultline", shutil.which("true")))
    drop = folder / "faultline@.service.d"
    drop.mkdir()
    shutil.copy(DEPLOY / "systemd" / "gpu.conf", drop)
    assert ask([fetched("systemd-analyze"), "verify", "--man=no", str(folder / "faultline@.service")]) == ""


def test_images_are_pinned_run_as_nobody_and_carry_the_version():
    text = (DEPLOY / "docker" / "Dockerfile").read_text()
    assert f'image.version="{__version__}"' in text
    assert re.search(r"^USER \d+:\d+$", text, re.MULTILINE)
    assert "--constraint constraints.txt" in text
    ignored = (DEPLOY / "docker" / "Dockerfile.dockerignore").read_text().splitlines()
    for sources in re.findall(r"^COPY (?!--from)(.*) \S+$", text, re.MULTILINE):
        for source in sources.split():
            assert (ROOT / source).exists()
            assert f"!{source}" in ignored
    assert f"newTag: {__version__}-cpu" in (BASE / "kustomization.yaml").read_text()
    for service in services().values():
        assert re.search(r":[\w.]+$", service["image"])
        assert not service["image"].endswith(":latest")


def test_what_compose_mounts_and_waits_for_is_there():
    for name, service in services().items():
        for volume in service.get("volumes", []):
            source = volume.split(":")[0]
            assert source == "state" or (DEPLOY / source).is_dir(), name
        assert set(service.get("depends_on", {})) <= set(services())


@pytest.mark.parametrize("overlay", ["cpu", "gpu"])
def test_kubernetes_accepts_what_kustomize_makes(fetched, overlay):
    rendered = ask([fetched("kubectl"), "kustomize", str(DEPLOY / "kubernetes" / "overlays" / overlay)])
    found = list(yaml.safe_load_all(rendered))
    if importlib.util.find_spec("kubernetes_validate") is None:
        pytest.skip("no kubernetes_validate; pip install '.[test]'")
    from kubernetes_validate import validate

    for document in found:
        if document["kind"] not in FOREIGN:
            validate(document, KUBERNETES, strict=True)
    limits = pods(found)["StatefulSet detector"]["spec"]["containers"][0]["resources"]["limits"]
    assert ("nvidia.com/gpu" in limits) == (overlay == "gpu")
    labels = [pod["metadata"]["labels"] for pod in pods(found).values()]
    assert all(told["app.kubernetes.io/part-of"] == "faultline" for told in labels)


def containers():
    return {name: pod["spec"]["containers"][0] for name, pod in pods(documents()).items()}


@pytest.mark.parametrize(("name", "pod"), pods(documents()).items())
def test_a_pod_may_nothing_and_mounts_what_it_has(name, pod):
    assert pod["spec"]["securityContext"]["runAsNonRoot"]
    assert not pod["spec"]["automountServiceAccountToken"]
    (container,) = pod["spec"]["containers"]
    secured = container["securityContext"]
    assert secured == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert {mount["name"] for mount in container["volumeMounts"]} == {one["name"] for one in pod["spec"]["volumes"]}
    assert container["resources"].keys() == {"requests", "limits"}


def test_selectors_and_references_meet_something(config):
    found = documents()
    labels = [pod["metadata"]["labels"] for pod in pods(found).values()]
    by_kind = {document["kind"]: document for document in found}
    for kind in ("StatefulSet", "PodDisruptionBudget", "ServiceMonitor", "PodMonitor", "Deployment"):
        assert by_kind[kind]["spec"]["selector"]["matchLabels"] in labels, kind
    service = by_kind["Service"]
    assert service["spec"]["selector"] in labels
    assert service["metadata"]["name"] == by_kind["StatefulSet"]["spec"]["serviceName"]
    assert by_kind["ServiceMonitor"]["spec"]["selector"]["matchLabels"] == service["metadata"]["labels"]
    assert by_kind["ServiceMonitor"]["spec"]["endpoints"][0]["port"] in [
        one["name"] for one in service["spec"]["ports"]
    ]
    claims = {one["metadata"]["name"] for one in found if one["kind"] == "PersistentVolumeClaim"}
    for pod in pods(found).values():
        for volume in pod["spec"]["volumes"]:
            assert volume.get("persistentVolumeClaim", {"claimName": "bundles"})["claimName"] in claims


def test_scaling_goes_by_this_group_and_never_beyond_the_partitions(config):
    (scaled,) = [one for one in documents() if one["kind"] == "ScaledObject"]
    (trigger,) = scaled["spec"]["triggers"]
    assert trigger["metadata"]["consumerGroup"] == config.kafka.group
    assert trigger["metadata"]["topic"] == config.kafka.topics.minutes
    assert scaled["spec"]["scaleTargetRef"]["name"] == "detector"
    parser = PARSERS["faultline"].parse_args(["topics"])
    assert scaled["spec"]["maxReplicaCount"] <= parser.partitions
