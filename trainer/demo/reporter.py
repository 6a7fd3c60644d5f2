"""Reporter of the demo: reads the alarms as any consumer would, prints them, and checks what the demo promises."""

from dataclasses import dataclass, field

import msgspec
from confluent_kafka import OFFSET_BEGINNING, Consumer, TopicPartition

from detector.config.schema import Kafka
from detector.kafka.client import table_properties
from detector.terminal import Styled, print_line
from trainer.demo.story import CROWD, EVENING, TAUGHT, UNTAUGHT, Story
from trainer.simulator import FaultEpisode

COLOURS = {"new": "bold red", "changed": "yellow", "cleared": "green"}

MOST_FALSE_ALARMS = 2
"""On 240 cells in five hours the budget of 5 per 1,000 cells and day allows 0.25; more than two are not chance."""


@dataclass(frozen=True)
class ReportedAlarm:
    """One notification, as far as the demo needs it."""

    change: str
    cell: str
    name: str
    minute: int
    """Minute of the evening."""
    severity: str


@dataclass
class Reporter:
    """Consumer of `cells.alarms` that prints each notification."""

    story: Story
    kafka: Kafka
    alarms: list[ReportedAlarm] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._consumer = Consumer({**table_properties(self.kafka), "fetch.wait.max.ms": 50, "log_level": 3})
        topic = self.kafka.topics.alarms
        count = len(self._consumer.list_topics(topic).topics[topic].partitions)
        self._consumer.assign([TopicPartition(topic, number, OFFSET_BEGINNING) for number in range(count)])

    def listen(self, seconds: float = 0.0) -> None:
        """Print the notifications that have arrived, or arrive within `seconds`."""
        for message in self._consumer.consume(500, seconds):
            if message.error() is None:
                self._report(msgspec.json.decode(message.value()))

    def close(self) -> None:
        self._consumer.close()

    def _report(self, body: dict[str, str]) -> None:
        clock = body["eventTime"][11:16]
        alarm = ReportedAlarm(
            change=body["notificationType"].removeprefix("notify").removesuffix("Alarm").lower(),
            cell=body["objectInstance"],
            name=body["specificProblem"],
            minute=int(clock[:2]) * 60 + int(clock[3:]) - 16 * 60,
            severity=body["perceivedSeverity"].lower(),
        )
        self.alarms.append(alarm)
        change = Styled(f"{alarm.change:<8}", COLOURS[alarm.change])
        print_line(
            *(f"  {clock}  ", change, f" {alarm.cell}  {alarm.name:<16} {alarm.severity:<9} "), self._remark(alarm)
        )

    def _remark(self, alarm: ReportedAlarm) -> str | Styled:
        """Return the delay of a new alarm, or that it is a false one."""
        if alarm.change != "new":
            return ""
        episode = self._episode_of(alarm.cell)
        if episode is None:
            return Styled("false alarm: no fault in this cell", "red")
        delay = alarm.minute - (episode.begin - EVENING)
        return f"{delay} minutes after it began (severity {episode.severity:g})"

    def _episode_of(self, cell: str) -> FaultEpisode | None:
        story = self.story
        episodes = (*story.same_fault, story.other_fault, story.match)
        return next((episode for episode in episodes if story.network.names[episode.cell] == cell), None)

    def check_promises(self) -> list[tuple[bool, str]]:
        """Return each promise of the demo, and whether it came true."""
        story, names = self.story, self.story.network.names
        new = [alarm for alarm in self.alarms if alarm.change == "new"]
        raised = {(alarm.cell, alarm.name): alarm for alarm in new}
        last = {(alarm.cell, alarm.name): alarm.change for alarm in self.alarms}
        same = [names[episode.cell] for episode in story.same_fault]
        other, crowd = names[story.other_fault.cell], names[story.match.cell]
        delays = self._delays(raised)
        false_alarms = [alarm for alarm in new if alarm.cell not in (*same, other, crowd)]
        return [
            (
                len(delays) == len(same),
                f"{TAUGHT}, taught once, was named in {len(delays)} of {len(same)} other cells,"
                f" {', '.join(map(str, delays))} minutes after it began",
            ),
            (
                (other, "unknown") in raised and (other, TAUGHT) not in raised,
                f"{UNTAUGHT}, never taught, was reported as unknown",
            ),
            (not any(cell == crowd for cell, _ in raised), f"{CROWD}, a stadium full of people, raised no alarm"),
            (
                # False alarms are not checked here; one may begin too late to be cleared within the evening.
                all(last[key] == "cleared" for key in raised if key[0] in (*same, other)),
                "every alarm was cleared after its fault was over",
            ),
            (len(false_alarms) <= MOST_FALSE_ALARMS, f"{len(false_alarms)} false alarms in cells without a fault"),
        ]

    def _delays(self, raised: dict[tuple[str, str], ReportedAlarm]) -> list[int]:
        """Return the minutes from begin to alarm of each taught fault that was named after its begin."""
        delays = []
        for episode in self.story.same_fault:
            alarm = raised.get((self.story.network.names[episode.cell], TAUGHT))
            if alarm is not None and alarm.minute >= episode.begin - EVENING:
                delays.append(alarm.minute - (episode.begin - EVENING))
        return delays
