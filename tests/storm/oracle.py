"""What a reader of committed records saw, and in what it differs from what he sees when nothing goes wrong.

Held against each other are the alarms of each cell, as a sequence and byte for byte, with headers and times; the table
of open alarms, as it is in the end; and the dead letters, as a bag. A dead letter's origin and reason are the log's
alone; their order is not, since partitions meet in it as polls happen to bring them. So is the order of alarms of
different cells, which are therefore not compared, and the number of transactions.
"""

from collections import Counter
from dataclasses import dataclass

import msgspec
from confluent_kafka import Message

from tests.service.stage import Stage

Told = tuple[bytes | None, tuple[tuple[str, bytes], ...], int]
"""Value, headers, timestamp in ms."""

Letter = tuple[str, str, str, bytes | None]
"""Partition and offset of the origin, reason, value."""

MANY = 5
"""Differences that are shown; the rest is counted."""


@dataclass(frozen=True)
class Outcome:
    """What there is to be seen of a run."""

    alarms: dict[str, list[Told]]
    active: dict[tuple[int, bytes], bytes]
    deadletters: Counter[Letter]


def observe(stage: Stage) -> Outcome:
    """Reads all that is committed."""
    alarms: dict[str, list[Told]] = {}
    for message in stage.read("alarms"):
        alarms.setdefault(message.key().decode(), []).append(told(message))
    active: dict[tuple[int, bytes], bytes] = {}
    for message in stage.read("active"):
        place = (message.partition(), message.key())
        active.pop(place, None)
        if message.value() is not None:
            active[place] = message.value()
    return Outcome(alarms, active, Counter(map(letter, stage.read("deadletters"))))


def told(message: Message) -> Told:
    return message.value(), tuple(message.headers() or ()), message.timestamp()[1]


def letter(message: Message) -> Letter:
    headers = {name.removeprefix("__connect.errors."): value.decode() for name, value in message.headers()}
    return headers["partition"], headers["offset"], headers["exception.message"], message.value()


def differences(right: Outcome, seen: Outcome) -> list[str]:
    """One sentence each; none where the two are the same."""
    found = []
    for cell in sorted(right.alarms.keys() | seen.alarms.keys()):
        found += _sequences(cell, right.alarms.get(cell, []), seen.alarms.get(cell, []))
    for place in sorted(right.active.keys() | seen.active.keys()):
        if right.active.get(place) != seen.active.get(place):
            wanted, got = right.active.get(place), seen.active.get(place)
            found.append(f"open alarm {place[1].decode()} of partition {place[0]} is {got!r}, not {wanted!r}")
    for missing, count in (right.deadletters - seen.deadletters).items():
        found.append(f"dead letter {missing[:3]} is missing {count} times")
    for more, count in (seen.deadletters - right.deadletters).items():
        found.append(f"dead letter {more[:3]} is there {count} times too often")
    return found if len(found) <= MANY else [*found[:MANY], f"and {len(found) - MANY} more differences"]


def _sequences(cell: str, right: list[Told], seen: list[Told]) -> list[str]:
    if right == seen:
        return []
    at = next((at for at, pair in enumerate(zip(right, seen, strict=False)) if pair[0] != pair[1]), None)
    if at is None:
        return [f"{cell}: {len(seen)} notifications, not {len(right)}: {_lines(seen)}, not {_lines(right)}"]
    return [f"{cell}: notification {at + 1} is {seen[at]!r}, not {right[at]!r}; {_lines(seen)}, not {_lines(right)}"]


def _lines(sequence: list[Told]) -> list[str]:
    """Each notification in a few words."""
    bodies = [msgspec.json.decode(value or b"{}") for value, *_ in sequence]
    return [f"{body['eventTime'][11:16]} {body['notificationType'][6:]} {body['specificProblem']}" for body in bodies]
