"""Who reads the alarms as any consumer would, tells them as a story, and says in the end whether it came true."""

from dataclasses import dataclass, field

import msgspec
from confluent_kafka import OFFSET_BEGINNING, Consumer, TopicPartition

from detector.config.schema import Kafka
from detector.kafka.client import table_properties
from trainer.console import console
from trainer.demo.story import CROWD, EVENING, TAUGHT, UNTAUGHT, Story
from trainer.simulator import FaultEpisode

COLOURS = {"new": "bold red", "changed": "yellow", "cleared": "green"}

MOST_FALSE_ALARMS = 2
"""On 240 cells in five hours the budget of 5 per 1,000 cells and day allows 0.25; more than two is no bad luck."""


@dataclass(frozen=True)
class ReportedAlarm:
    """One notification, as far as the story needs it."""

    change: str
    cell: str
    name: str
    minute: int
    """Of the evening."""
    severity: str


@dataclass
class Reporter:
    """Listens on `cells.alarms`."""

    plot: Story
    kafka: Kafka
    told: list[ReportedAlarm] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._consumer = Consumer({**table_properties(self.kafka), "fetch.wait.max.ms": 50, "log_level": 3})
        topic = self.kafka.topics.alarms
        count = len(self._consumer.list_topics(topic).topics[topic].partitions)
        self._consumer.assign([TopicPartition(topic, number, OFFSET_BEGINNING) for number in range(count)])

    def listen(self, seconds: float = 0.0) -> None:
        """Tells what has arrived."""
        for message in self._consumer.consume(500, seconds):
            if message.error() is None:
                self._tell(msgspec.json.decode(message.value()))

    def close(self) -> None:
        self._consumer.close()

    def _tell(self, body: dict[str, str]) -> None:
        clock = body["eventTime"][11:16]
        minute = int(clock[:2]) * 60 + int(clock[3:]) - 16 * 60
        change = body["notificationType"].removeprefix("notify").removesuffix("Alarm").lower()
        told = ReportedAlarm(
            change, body["objectInstance"], body["specificProblem"], minute, body["perceivedSeverity"].lower()
        )
        self.told.append(told)
        since = self._minutes_since(told)
        console.print(
            f"  {clock}  [{COLOURS[change]}]{change:<8}[/] {told.cell}  {told.name:<16} {told.severity:<9} {since}"
        )

    def _minutes_since(self, told: ReportedAlarm) -> str:
        episode = self._episode_of(told.cell)
        if episode is None:
            return "[magenta]nothing is wrong there[/]" if told.change == "new" else ""
        begun = told.minute - (episode.begin - EVENING)
        return f"{begun} minutes after it began (severity {episode.severity:g})" if told.change == "new" else ""

    def _episode_of(self, cell: str) -> FaultEpisode | None:
        plot = self.plot
        episodes = (*plot.same_fault, plot.other_fault, plot.match)
        return next((episode for episode in episodes if plot.network.names[episode.cell] == cell), None)

    def verdict(self) -> list[tuple[bool, str]]:
        """Each promise of the story, and whether it was kept."""
        plot, names = self.plot, self.plot.network.names
        raised = {(told.cell, told.name): told for told in self.told if told.change == "new"}
        last = {(told.cell, told.name): told.change for told in self.told}
        same = [names[episode.cell] for episode in plot.same_fault]
        other, crowd = names[plot.other_fault.cell], names[plot.match.cell]
        delays = [
            raised[cell, TAUGHT].minute - (episode.begin - EVENING)
            for cell, episode in zip(same, plot.same_fault, strict=True)
            if (cell, TAUGHT) in raised and raised[cell, TAUGHT].minute >= episode.begin - EVENING
        ]
        strangers = [told for told in self.told if told.change == "new" and told.cell not in (*same, other, crowd)]
        return [
            (
                len(delays) == len(same),
                f"{TAUGHT}, shown once, was named in {len(delays)} of {len(same)} other cells,"
                f" {', '.join(map(str, delays))} minutes after it began",
            ),
            (
                (other, "unknown") in raised and (other, TAUGHT) not in raised,
                f"{UNTAUGHT}, never shown, came out as unknown",
            ),
            (not any(cell == crowd for cell, _ in raised), f"{CROWD}, a stadium full of people, raised nothing"),
            (
                # A false alarm counts below; it may have begun too late to end within the evening.
                all(last[key] == "cleared" for key in raised if key[0] in (*same, other)),
                "every alarm cleared when its fault was over",
            ),
            (len(strangers) <= MOST_FALSE_ALARMS, f"{len(strangers)} alarms where nothing was wrong"),
        ]
