"""Every verb has --json with a form of its own, and what it prints is of that form, with ISO 8601 times in UTC."""

import argparse
import re
from datetime import datetime

import jsonschema
import msgspec
import pytest

from detector.__main__ import VERBS
from detector.alarms.shadow import ShadowComparison, ShadowEpisode
from detector.backtest.alarm_intervals import AlarmInterval
from detector.command_line import command_line, parsers, subcommands
from detector.commands.documents import (
    DOCUMENTS,
    LISTS,
    CheckDocument,
    LabelDocument,
    PackExportDocument,
    PackImportDocument,
    ReplayDocument,
    ReproductionDocument,
    SearchDocument,
    ShadowReportDocument,
    UnknownsDocument,
    WithheldDocument,
)
from detector.core.suppression import SuppressedEpisode
from detector.finding import Finding
from detector.history.search import SearchMatch
from detector.json_document import make_document, minute_time
from detector.labels.label import Label
from detector.labels.listing import LabelRow
from detector.teaching.pack_import import ClassForecast, PackForecast
from detector.teaching.preview import Forecast, Neighbour
from detector.teaching.preview_text import figures
from detector.text import json_text
from tests.commands.runner import run_all
from trainer.__main__ import VERBS as TRAINER_VERBS
from trainer.commands.arguments import ENCODERS, LOSS_NAMES
from trainer.commands.documents import DOCUMENTS as TRAINER_DOCUMENTS
from trainer.losses.registry import LOSSES
from trainer.pretrained.shipped import SHIPPED

MINUTE = 29_900_000
ISO = "2026-11-06T21:20:00Z"

PROGRAMS = {
    "faultline": (command_line("faultline", "detector.commands", VERBS), DOCUMENTS),
    "faultline-trainer": (command_line("faultline-trainer", "trainer.commands", TRAINER_VERBS), TRAINER_DOCUMENTS),
}


def leaves(parser: argparse.ArgumentParser) -> dict[str, argparse.ArgumentParser]:
    """Every verb with its second word, and its parser."""
    return {each.prog.partition(" ")[2]: each for each in parsers(parser) if not subcommands(each) and " " in each.prog}


@pytest.mark.parametrize("program", PROGRAMS)
def test_every_verb_but_the_daemon_has_json_and_a_form(program):
    parser, forms = PROGRAMS[program]

    with_json = {verb for verb, each in leaves(parser).items() if "--json" in each.format_help()}

    assert with_json == leaves(parser).keys() - {"run"}
    assert {verb.partition(" --")[0] for verb in forms} == with_json
    assert set(LISTS) <= set(DOCUMENTS)


@pytest.mark.parametrize(
    "form", sorted({*DOCUMENTS.values(), *TRAINER_DOCUMENTS.values()}, key=lambda form: form.__name__)
)
def test_a_minute_stands_nowhere_without_its_time(form):
    schemas = msgspec.json.schema(form)["$defs"].values()

    for schema in schemas:
        fields = schema.get("properties", {})
        minutes = {"begin", "end", "taught", "expires", "onset", "raised", "until", "over", "minute", "first", "last"}
        for name in minutes & fields.keys():
            assert f"{name}_time" in fields, (schema["title"], name)
        for name, field in fields.items():
            if name.endswith("_time"):
                assert "date-time" in str(field)


def label(**fields: object) -> LabelRow:
    return LabelRow(id="5b0c91aa", **fields)  # type: ignore[arg-type]  # the fields of the row


FIGURES = {
    "episodes": 0,
    "right": [float("nan")] * 3,
    "misnamed": [0.5, 0.1, 0.9],
    "unknown": [0.0, 0.0, 1.0],
    "visible": 0,
    "visible_right": [float("nan")] * 3,
    "minutes": [],
}
SIGHTING = {"alarm": "a", "cell": "A1", "onset": MINUTE, "until": None, "named": ""}
EPISODE = {"cell": "A1", "name": "drops", "onset": MINUTE, "raised": MINUTE + 10, "over": None}

SAMPLES = {
    "a label": (
        LabelDocument,
        (label(name="drops", kind="fault", begin=MINUTE, end=MINUTE + 60),),
        {"fired": 2, "radius": 0.7},
    ),
    "a label that cannot be read": (LabelDocument, (label(refused="it is broken"),), {"fired": 0, "radius": None}),
    "a label that expires": (LabelDocument, (label(expires=MINUTE),), {"fired": 0, "radius": None}),
    "a class that is named like a minute": (
        PackExportDocument,
        (),
        {"file": "x", "labels": 1, "left_out": 0, "sha256": "0", "classes": {"minute": 1, "begin": 2}},
    ),
    "figures of no episode": (
        ReplayDocument,
        (),
        {
            "cell_days": 1.0,
            "alarms": 0,
            "budget": 5,
            "false_alarms_per_1000_cell_days": [0.0, 0.0, float("inf")],
            "of_these_named": [0.0, 0.0, 1.0],
            "all": FIGURES,
            "classes": {"first": FIGURES},
        },
    ),
    "a group of unknowns": (
        UnknownsDocument,
        (),
        {"number": 1, "cells": 1, "alike": 0.9, "medoid": SIGHTING, "sightings": [SIGHTING]},
    ),
    "a shadow's report": (
        ShadowReportDocument,
        (),
        {
            "first": MINUTE,
            "last": MINUTE,
            "classes": {},
            "renamed": [(EPISODE, EPISODE)],
            "serving": [EPISODE],
            "shadow": [],
        },
    ),
    "hostile text": (
        CheckDocument,
        (),
        {"ok": True, "findings": [{"part": "host", "level": "ok", "text": "\x1b[2J\u202e\udcff"}]},
    ),
}


@pytest.mark.parametrize("name", SAMPLES)
def test_a_document_is_of_its_form(name):
    form, parts, fields = SAMPLES[name]

    text = json_text(make_document(form, *parts, **fields))

    assert "\n" not in text
    assert "\x1b" not in text
    document = msgspec.json.decode(text)
    jsonschema.validate(document, msgspec.json.schema(form))
    assert not re.search(r"_time\":\"[^\"]*[^Z]\"", text)


INTERVAL = AlarmInterval("A1", "drops", MINUTE, MINUTE + 5, 7.25)
FORECAST = Forecast(
    kind="fault",
    size=3.5,
    ordinary_share=0.01,
    score=8.0,
    threshold=4.0,
    nearest=[Neighbour("drops", "fault", 0.9)],
    cells=0,
    first=0,
    last=0,
    cell_days=0.0,
    named=[INTERVAL],
    silenced=[],
    alarms_before=0,
    alarms_after=1,
    budget=5,
    whose="all classes",
)
PACK_FORECAST = PackForecast(
    cells=1,
    first=MINUTE,
    last=MINUTE + 60,
    cell_days=0.0,
    budget=5.0,
    brought=[ClassForecast("drops", 1, 0, 0, 0, (0.0, 0.0, float("inf")), False)],
    silenced=[INTERVAL],
    alarms_before=1,
    alarms_after=0,
)
TAUGHT = Label(
    id="5b0c91aa", name="drops", kind="fault", cell="A1", minute=MINUTE, catalogue="c", values=b"", baseline=b"",
    begin=MINUTE, end=MINUTE + 60,
)  # fmt: skip
IMPORTED = {"sha256": "0", "published": False, "to_take": 1, "quarantined": 0, "forced": 0, "refused": 0, "why": []}

RESULTS = {
    "a label and its preview": lambda: figures(TAUGHT, FORECAST, True),
    "a pack and its preview": lambda: make_document(PackImportDocument, IMPORTED, forecast=PACK_FORECAST),
    "a pack without anything to preview": lambda: make_document(PackImportDocument, IMPORTED, forecast=None),
    "a withheld alarm": lambda: make_document(
        WithheldDocument, SuppressedEpisode(cell="A1", name="drops", reason="ignored", minute=MINUTE)
    ),
    "a similar episode": lambda: make_document(SearchDocument, SearchMatch("A1", MINUTE, 0.1, 2.0), called=["drops"]),
    "a verdict that differs": lambda: make_document(
        ReproductionDocument, {"time": datetime.fromisoformat(ISO), "change": "new", "differences": ["its score"]}
    ),
    "a finding": lambda: make_document(CheckDocument, ok=False, findings=[Finding("cluster", "error", "It is not.")]),
    "two daemons": lambda: make_document(
        ShadowReportDocument,
        first=MINUTE,
        last=MINUTE,
        classes={"drops": {**ShadowComparison().counts("drops"), "earlier": None}},
        renamed=[(ShadowEpisode("A1", "x", MINUTE, MINUTE), ShadowEpisode("A1", "y", MINUTE, MINUTE, MINUTE))],
        serving=[],
        shadow=[],
    ),
}


@pytest.mark.parametrize("name", RESULTS)
def test_what_the_work_returns_fits_its_form(name):
    document = RESULTS[name]()

    decoded = msgspec.json.decode(json_text(document))

    jsonschema.validate(decoded, msgspec.json.schema(type(document)))
    assert ISO in json_text(document) or name in ("a finding", "a pack without anything to preview")


def test_times_are_utc_with_a_z_and_zero_is_none():
    document = make_document(LabelDocument, label(begin=MINUTE), fired=0, radius=None)

    assert f'"begin_time":"{ISO}"' in json_text(document)
    assert document.taught_time is None
    assert minute_time(MINUTE) == ISO
    assert datetime.fromisoformat(ISO).timestamp() == MINUTE * 60


def test_the_names_of_the_command_line_are_those_of_the_registries():
    from detector.core.networks.registry import NETWORKS

    assert tuple(NETWORKS) == ENCODERS
    assert tuple(LOSSES) == LOSS_NAMES


def test_what_a_verb_prints_without_a_broker_is_of_its_form(tmp_path):
    (tmp_path / "config.yaml").write_text('bundle: b\nkafka: {common: {bootstrap.servers: "127.0.0.1:9"}}\n')

    (ending,) = run_all([("faultline", "shadow", "configure", "--bundle", SHIPPED, "--json")], tmp_path)

    assert ending.code == 0, ending.err
    assert ending.out.count("\n") == 1
    jsonschema.validate(msgspec.json.decode(ending.out), msgspec.json.schema(DOCUMENTS["shadow configure"]))
