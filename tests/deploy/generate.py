"""What deploy/ has in more than one form: `python -m tests.deploy.generate` writes it anew, a test finds it written.

Kustomize reads no file outside its folder, and a dashboard in JSON is nothing for people to write.
"""

import json
from pathlib import Path
from typing import Any

import yaml

from tests.kafka.broker import ROOT

DEPLOY = ROOT / "deploy"

Panel = tuple[str, str, dict[str, str]]
"""Title, unit, and expressions by what their lines are called."""

JOB = '{job=~"$job"}'

OPERATIONS: list[Panel] = [
    ("Ready instances", "short", {"ready": f"sum(faultline_ready{JOB})", "up": 'sum(up{job=~"$job"})'}),
    ("Alerts that fire", "short", {"{{alertname}}": 'count by (alertname) (ALERTS{alertstate="firing"})'}),
    ("Records a second", "short", {"{{outcome}}": f"sum by (outcome) (rate(faultline_records_total{JOB}[5m]))"}),
    ("Refused, by reason", "short", {"{{reason}}": f"sum by (reason) (rate(faultline_rejections_total{JOB}[5m])) > 0"}),
    ("Records behind", "short", {"{{instance}}": f"faultline_consumer_lag_records{JOB}"}),
    ("Age of the newest minute", "s", {"{{job}}": f"faultline:frontier_age_seconds:max{JOB}"}),
    (
        "From record to alarm",
        "s",
        {
            "median": "histogram_quantile(0.5, sum by (le)"
            f" (rate(faultline_end_to_end_latency_seconds_bucket{JOB}[5m])))",
            "99 %": f"faultline:end_to_end_latency_seconds:p99{JOB}",
        },
    ),
    (
        "Share of a core, by step",
        "percentunit",
        {"{{stage}}": f"sum by (stage) (rate(faultline_stage_duration_seconds_sum{JOB}[5m]))"},
    ),
    ("Transactions", "short", {"{{outcome}}": f"sum by (outcome) (rate(faultline_transactions_total{JOB}[5m]))"}),
    (
        "Records in a poll",
        "short",
        {
            "mean": f"sum(rate(faultline_batch_size_records_sum{JOB}[5m]))"
            f" / sum(rate(faultline_batch_size_records_count{JOB}[5m]))"
        },
    ),
    ("Partitions", "short", {"{{instance}}": f"faultline_partitions_assigned{JOB}"}),
    ("Rebalances", "short", {"{{instance}}": f"increase(faultline_rebalances_total{JOB}[30m])"}),
    (
        "Memory",
        "bytes",
        {"{{instance}}": f"faultline_process_resident_memory_bytes{JOB}", "limit": "faultline:memory_limit_bytes"},
    ),
    ("Processors", "short", {"{{instance}}": f"rate(faultline_process_cpu_seconds_total{JOB}[5m])"}),
    ("Open files", "short", {"{{instance}}": f"faultline_process_open_fds{JOB}"}),
    (
        "Bundles",
        "short",
        {"{{name}} {{digest}}": f"count by (name, digest) (faultline_bundle_info{JOB})"},
    ),
    (
        "Since the canary was recognised",
        "s",
        {"{{instance}}": f"time() - (faultline_canary_recognised_timestamp_seconds{JOB} > 0)"},
    ),
    ("Bundles refused", "short", {"{{reason}}": f"sum by (reason) (faultline_bundle_refused_total{JOB})"}),
    (
        "Members of the group that are not Faultline",
        "short",
        {"{{job}}": f"max by (job) (faultline_group_foreign_members{JOB})"},
    ),
    (
        "Foreign records skipped",
        "short",
        {"{{instance}} {{topic}}": f"faultline_foreign_records_total{JOB}"},
    ),
    ("GPU", "short", {"{{instance}}": f"faultline_gpu{JOB}"}),
    ("Versions", "short", {"{{version}}": f"count by (version) (faultline_build_info{JOB})"}),
    (
        "Days until a certificate ends",
        "short",
        {
            "{{instance}} {{certificate}}": f"(faultline_certificate_expiry_timestamp_seconds{JOB} - time()) / 86400",
        },
    ),
    ("Feed cannot be used", "short", {"{{instance}} {{reason}}": f"faultline_deaf{JOB}"}),
]

NETWORK: list[Panel] = [
    ("Alarms open", "short", {"{{severity}}": f"faultline:alarms_open:sum{JOB}"}),
    ("New alarms in ten minutes", "short", {"{{job}}": f"faultline:alarms_new:increase10m{JOB}"}),
    ("New alarms in a day", "short", {"{{job}}": f"faultline:alarms_new:increase1d{JOB}"}),
    ("Cells", "short", {"tracked": f"faultline:cells_tracked:sum{JOB}", "silent": f"faultline:cells_silent:sum{JOB}"}),
    ("Notifications", "short", {"{{type}}": f"sum by (type) (rate(faultline_alarms_total{JOB}[5m]))"}),
    (
        "New alarms, by severity",
        "short",
        {"{{severity}}": 'sum by (severity) (increase(faultline_alarms_total{job=~"$job", type="new"}[1h]))'},
    ),
    ("Verdicts a second", "short", {"{{verdict}}": f"sum by (verdict) (rate(faultline_verdicts_total{JOB}[5m]))"}),
    (
        "Share of cells' minutes that is not normal",
        "percentunit",
        {
            "{{verdict}}": f'sum by (verdict) (rate(faultline_verdicts_total{{job=~"$job", verdict!="normal"}}[5m]))'
            f" / ignoring (verdict) group_left () sum(rate(faultline_verdicts_total{JOB}[5m]))"
        },
    ),
    ("Windows compared a second", "short", {"windows": f"sum(rate(faultline_windows_scored_total{JOB}[5m]))"}),
    ("Exemplars", "short", {"{{kind}}": f"max by (kind) (faultline_exemplars{JOB})"}),
    ("Exemplars that raise no alarm", "short", {"{{job}}": f"max by (job) (faultline_quarantined_exemplars{JOB})"}),
    (
        "Recognised and not told",
        "short",
        {"{{reason}}": f"sum by (reason) (increase(faultline_alarms_withheld_total{JOB}[1h]))"},
    ),
    ("Labels that cannot be used", "short", {"{{instance}}": f"faultline_labels_refused_total{JOB}"}),
]

DASHBOARDS = {"operations": ("Faultline: operations", OPERATIONS), "network": ("Faultline: the network", NETWORK)}

WIDE, HIGH, ACROSS = 8, 7, 3
"""Of a panel in Grafana's grid of 24, and panels side by side."""

SOURCE = {"type": "prometheus", "uid": "prometheus"}


def dashboard(name: str, title: str, panels: list[Panel]) -> dict[str, Any]:
    job = {
        "name": "job",
        "type": "query",
        "datasource": SOURCE,
        "query": "label_values(faultline_build_info, job)",
        "includeAll": True,
        "multi": True,
        "refresh": 2,
        "current": {"text": "All", "value": "$__all"},
    }
    return {
        "uid": f"faultline-{name}",
        "title": title,
        "tags": ["faultline"],
        "schemaVersion": 39,
        "refresh": "30s",
        "time": {"from": "now-6h", "to": "now"},
        "templating": {"list": [job]},
        "panels": [panel(place, one) for place, one in enumerate(panels)],
    }


def panel(place: int, one: Panel) -> dict[str, Any]:
    title, unit, lines = one
    return {
        "id": place + 1,
        "type": "timeseries",
        "title": title,
        "datasource": SOURCE,
        "gridPos": {"x": place % ACROSS * WIDE, "y": place // ACROSS * HIGH, "w": WIDE, "h": HIGH},
        "fieldConfig": {"defaults": {"unit": unit, "min": 0}, "overrides": []},
        "targets": [
            {"refId": chr(ord("A") + number), "datasource": SOURCE, "expr": expression, "legendFormat": legend}
            for number, (legend, expression) in enumerate(lines.items())
        ],
    }


def expressions() -> list[str]:
    """All that a dashboard asks, for every job."""
    panels = [panel for _, panels in DASHBOARDS.values() for panel in panels]
    return [expression.replace("$job", ".+") for *_, lines in panels for expression in lines.values()]


def prometheus_rule() -> str:
    files = [DEPLOY / "prometheus" / name for name in ("recording.yml", "alerts.yml")]
    groups = [group for file in files for group in yaml.safe_load(file.read_text())["groups"]]
    rule = {
        "apiVersion": "monitoring.coreos.com/v1",
        "kind": "PrometheusRule",
        "metadata": {"name": "faultline"},
        "spec": {"groups": groups},
    }
    told = "# deploy/prometheus for the Prometheus operator, made by `python -m tests.deploy.generate`.\n"
    return told + yaml.safe_dump(rule, sort_keys=False, width=118)


def generated() -> dict[Path, str]:
    """Every file that is made, and what belongs into it."""
    base = DEPLOY / "kubernetes" / "base"
    made = {base / "config.yaml": (DEPLOY / "config.yaml").read_text(), base / "rules.yaml": prometheus_rule()}
    for name, (title, panels) in DASHBOARDS.items():
        path = DEPLOY / "grafana" / "dashboards" / f"{name}.json"
        made[path] = json.dumps(dashboard(name, title, panels), indent=1) + "\n"
    return made


if __name__ == "__main__":
    for path, text in generated().items():
        path.write_text(text)
        print(path.relative_to(ROOT))
