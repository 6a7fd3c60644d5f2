"""The road of a minute, as a row of calls: decode, scale, window, encode, match and decide, alarm.

The records of all partitions of a poll are taken one partition after the other up to their windows, meet in batches of
the encoder, and part again. The state is kept per cell; a partition can be taken up and put down at any time.
"""

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from detector.core.alarms import Alarm, Alarms, Event, Persistence, Withheld
from detector.core.assessment import Assessment, Assessor
from detector.core.cells import Cells
from detector.core.encoder import Encode
from detector.core.evidence import evidence
from detector.core.features import Baseline, Catalogue, deviations, fingerprints
from detector.core.samples import Decoder, Reason, Records, Rejection, Samples, select
from detector.core.scores import Scores
from detector.core.settings import Settings
from detector.core.turns import Admission, Turn
from detector.core.verdicts import INSUFFICIENT, VERDICTS, Judge
from detector.core.votes import Memory, Standing, mark, marked
from detector.core.windows import Windows

PART = 1024
"""Records taken, and windows assessed, at a time: the encoder's largest batch, a quarter of a poll that catches up."""

LAG_MINUTES = 5
"""A cell whose newest minute lies no further behind the frontier has kept up: what is in flight, and a retry."""


@dataclass
class Work:
    """What one poll came to."""

    events: list[Event] = field(default_factory=list)
    rejections: list[tuple[Records, Rejection]] = field(default_factory=list)
    outcomes: dict[str, int] = field(default_factory=dict)
    verdicts: dict[str, int] = field(default_factory=dict)
    scored: int = 0
    withheld: list[Withheld] = field(default_factory=list)


@dataclass
class _Share:
    """One partition's part of a poll, between its windows and its alarms."""

    admission: Admission
    audible: bool
    scored: NDArray[np.bool_]
    """Which due windows go to the encoder. # [sum k]"""

    @property
    def windows(self) -> NDArray[np.int8]:
        """Those windows; as a rule all that are due, and then no copy of their 7.8 kB each."""
        return self.admission.windows if self.scored.all() else self.admission.windows[self.scored]

    @property
    def minute(self) -> NDArray[np.int64]:
        """Their last minutes."""
        return _minutes(self.admission.turns)[self.scored]

    @property
    def count(self) -> int:
        return int(np.count_nonzero(self.scored))


@dataclass(frozen=True)
class _Batch:
    """Shares whose windows are assessed together."""

    shares: Sequence[_Share]
    assessment: Future[Assessment]


class Pipeline:
    """All state of the partitions owned, and the one way through it."""

    def __init__(
        self,
        catalogue: Catalogue,
        baseline: Baseline,
        encode: Encode,
        judge: Judge,
        settings: Settings,
        timed: Callable[[str], AbstractContextManager[None]] = lambda stage: nullcontext(),
    ) -> None:
        self._baseline, self._judge = baseline, judge
        self._assessor = Assessor(encode, timed)
        self._settings, self._timed = settings, timed
        self._logarithmic = catalogue.logarithmic
        self._decoder = Decoder(catalogue, settings.max_record_bytes)
        self.cells = Cells(settings.max_cells)
        self._baseline_row = np.zeros(settings.max_cells, np.int64)
        self._windows = Windows(self.cells, len(catalogue), settings.tolerance)
        like = judge.library.normal.stretches
        sizes = (like.direction.shape[-1], like.shift.shape[-1])
        self._scores = Scores(settings.max_cells, *sizes, settings.weights, settings.keep_minutes)
        self._alarms = Alarms(self._scores, judge.classes, self._persistence(judge))
        self._replays: dict[int, Memory] = {}
        """Partitions that are behind their commit."""
        self.adopt(judge)

    def adopt(self, judge: Judge) -> None:
        """Judges by another library from now on, the remembered minutes included."""
        self._judge = judge
        self._scores.rescore(self.cells.occupied(), judge.columns, len(judge.classes) + len(judge.quiet))
        self._alarms.adopt(judge.classes, self._persistence(judge))

    def assign(self, partition: int, memory: Memory | None, alarms: Sequence[Alarm]) -> None:
        """Takes up a partition whose records will come from the memory's offset on, or from wherever there is none.

        Until `catch_up` only those windows are encoded whose scores can still matter then.
        """
        self.revoke(partition)
        if memory is not None:
            self._windows.resume(partition, Standing(memory.replay_offset, memory.replay_minute, memory.votes))
            self._replays[partition] = memory
        self._alarms.restore(partition, alarms)

    def catch_up(self, partition: int) -> None:
        """The replay has reached the committed offset."""
        self._replays.pop(partition, None)
        self._windows.listen_from[self.cells.rows_of(partition)] = 0

    def revoke(self, partition: int) -> None:
        self._windows.drop(partition)
        self._alarms.drop(partition)
        self._replays.pop(partition, None)
        self.cells.remove(partition, self.cells.rows_of(partition))

    def memory(self, partition: int) -> Memory | None:
        """What the next commit of this partition must carry; None before its first sane record."""
        frontier = self._windows.frontier(partition)
        if frontier.minute is None:
            return None
        tolerance = self._settings.tolerance
        standing = frontier.trail.begin(frontier.minute - tolerance.memory_minutes - tolerance.ahead_minutes)
        lagging = self._windows.lagging(partition, self._forgotten(frontier.minute), frontier.minute - LAG_MINUTES)
        laggards = mark(self.cells.digests[lagging])
        return Memory(standing.offset, standing.minute, frontier.minute, frontier.voters, standing.votes, laggards)

    def _forgotten(self, frontier: int) -> int:
        """The scores of this minute and all before are too old for any minute that may still come."""
        return frontier - self._settings.behind_minutes - self._settings.keep_minutes - 1

    def _listen_from(self, memory: Memory, digests: NDArray[np.uint64]) -> NDArray[np.int64]:
        """The first minutes of these cells whose scores may matter after the replay.

        The next minute of a cell that kept up lies after the frontier less the lag. # [n] -> [n]
        """
        kept_up = memory.frontier - LAG_MINUTES - self._settings.keep_minutes
        return np.where(marked(digests, memory.laggards), self._forgotten(memory.frontier) + 1, kept_up)

    def frontiers(self) -> dict[int, int]:
        """The minute each owned partition has reached."""
        return self._windows.minutes()

    def open_alarms(self) -> list[Alarm]:
        return self._alarms.open_alarms()

    def process(self, shares: Sequence[tuple[Records, bool]]) -> Work:
        """One poll: each partition's records, in offset order, and whether they are to be heard or only remembered.

        While a batch of windows is assessed the records of the next are taken; alarms follow in the order of the log.
        """
        work = Work()
        taken = (self._take(part, audible, work) for records, audible in shares for part in _parts(records))
        self._drive(taken, [records.partition for records, _ in shares], work)
        return work

    def process_samples(self, samples: Samples, first_offset: int) -> Work:
        """The same for records that need no decoding, as a history's: as if they lay one after the other in the log."""
        work = Work()
        rows = np.arange(len(samples))
        samples = replace(samples, index=rows)
        parts = (select(samples, rows[start : start + PART]) for start in range(0, len(rows), PART))
        taken = (self._admit(part, first_offset + rows, True, [], work) for part in parts)
        self._drive(taken, [samples.partition], work)
        return work

    def _drive(self, taken: Iterator[_Share], partitions: Sequence[int], work: Work) -> None:
        assessed: deque[_Batch] = deque()
        for batch in self._batches(taken):
            assessed.append(batch)
            if len(assessed) > 1:
                self._follow(assessed.popleft(), work)
        for batch in assessed:
            self._follow(batch, work)
        for partition in partitions:
            self.cells.remove(partition, self._windows.idle_rows(partition))

    def _batches(self, taken: Iterator[_Share]) -> Iterator[_Batch]:
        """Small partitions share a batch, large ones fill several."""
        shares: list[_Share] = []
        for share in taken:
            shares.append(share)
            if sum(share.count for share in shares) >= PART:
                yield self._assess(shares)
                shares = []
        if shares:
            yield self._assess(shares)

    def _assess(self, shares: Sequence[_Share]) -> _Batch:
        minute = np.concatenate([share.minute for share in shares])
        return _Batch(shares, self._assessor.submit([share.windows for share in shares], minute, self._judge))

    def _take(self, records: Records, audible: bool, work: Work) -> _Share:
        """Decode, scale and window one partition's records."""
        with self._timed("decode"):
            samples, rejections = self._decoder.decode(records)
        share = self._admit(samples, records.offsets, audible, rejections, work)
        if audible:
            work.rejections += [(records, rejection) for rejection in sorted(rejections, key=lambda r: r.index)]
        else:
            _add(work.outcomes, {"replayed": len(records)})
        return share

    def _admit(
        self, samples: Samples, offsets: NDArray[np.int64], audible: bool, rejections: list[Rejection], work: Work
    ) -> _Share:
        """Scale and window one partition's samples; what fits neither room nor cell is added to the rejections.

        # offsets: of the records, by the samples' index
        """
        samples, rows = self._locate(samples, rejections)
        with self._timed("scale"):
            coefficients = self._baseline.coefficients(self._baseline_row[rows])
            codes = deviations(samples.values, samples.minute, coefficients, self._logarithmic)
            prints = fingerprints(samples.values)
        with self._timed("window"):
            at = offsets[samples.index]
            admission = self._windows.admit(samples.partition, rows, at, samples.minute, codes, prints)
        rejections += [Rejection(int(samples.index[position]), reason) for position, reason in admission.reasons]
        if audible:
            _add(work.outcomes, {**admission.outcomes, "rejected": len(rejections)})
        return _Share(admission, audible, self._worth_scoring(admission.turns, audible, work))

    def _locate(self, samples: Samples, rejections: list[Rejection]) -> tuple[Samples, NDArray[np.int64]]:
        rows, new = self.cells.locate(samples.partition, samples.cells)
        if len(new):
            self._scores.begin(new)
            if samples.partition in self._replays:
                memory = self._replays[samples.partition]
                self._windows.listen_from[new] = self._listen_from(memory, self.cells.digests[new])
            self._baseline_row[new] = self._baseline.rows([self.cells.names[row] for row in new.tolist()])
        full = np.flatnonzero(rows < 0)
        if not len(full):
            return samples, rows
        rejections += [Rejection(int(samples.index[row]), Reason.TOO_MANY_CELLS) for row in full]
        kept = np.flatnonzero(rows >= 0)
        return select(samples, kept), rows[kept]

    def _worth_scoring(self, turns: Sequence[Turn], audible: bool, work: Work) -> NDArray[np.bool_]:
        coverage = np.concatenate([np.empty(0, np.float32), *(turn.coverage for turn in turns)])
        early = [turn.minute < self._windows.listen_from[turn.rows] for turn in turns]
        enough = coverage >= self._settings.min_coverage
        if audible:
            _add(work.verdicts, {VERDICTS[INSUFFICIENT]: int(np.count_nonzero(~enough))})
        return enough & ~np.concatenate([np.empty(0, np.bool_), *early])

    def _follow(self, batch: _Batch, work: Work) -> None:
        """Waits for the batch, and hands each share its own part of what came of it."""
        assessment = batch.assessment.result()
        work.scored += len(assessment.embeddings)
        start = 0
        with self._timed("alarm"):
            for share in batch.shares:
                self._walk(share, assessment[start : start + share.count], work)
                start += share.count

    def _walk(self, share: _Share, assessment: Assessment, work: Work) -> None:
        """Walks the turns in log order: remember the scores, and step the alarms where the poll is audible."""
        if share.audible:
            counts = np.bincount(assessment.verdicts.kind, minlength=len(VERDICTS)).tolist()
            _add(work.verdicts, dict(zip(VERDICTS, counts, strict=True)))
        due = used = 0
        for turn in share.admission.turns:
            scored = share.scored[due : due + len(turn.rows)]
            mine = assessment[used : used + int(np.count_nonzero(scored))]
            due, used = due + len(turn.rows), used + len(mine.embeddings)
            self._scores.begin(turn.rows[turn.fresh])
            self._scores.push(turn.rows[scored], turn.minute[scored], mine.embeddings, mine.verdicts.scores)
            if share.audible:
                names = [self.cells.names[row] for row in turn.rows.tolist()]
                opened = self._alarms.having_open(turn.partition, names)
                smoothed, told = self._smoothed(turn, scored, opened), len(self._judge.classes)
                events = self._alarms.step(turn, names, smoothed[:, :told], opened)
                work.events += [replace(event, evidence=self._evidence(event)) for event in events]
                if self._judge.quiet:
                    work.withheld += self._alarms.withheld(turn, names, self._judge.quiet, smoothed[:, told:])

    def _smoothed(self, turn: Turn, scored: NDArray[np.bool_], opened: NDArray[np.bool_]) -> NDArray[np.float32]:
        """The mean scores of the due cells; NaN where nothing can come of them, which spares most of the work."""
        columns = len(self._judge.classes) + len(self._judge.quiet)
        mean = np.full((len(turn.rows), columns), np.nan, np.float32)
        watched = self._scores.reaching(turn.rows, self._judge.threshold)
        at = np.flatnonzero(scored & (watched | opened))
        mean[at] = self._scores.smoothed(turn.rows[at], turn.minute[at])
        return mean

    def _evidence(self, event: Event) -> dict[str, Any]:
        window = self._scores.embedding(event.row, event.minute) if event.row >= 0 else None
        return {} if window is None else evidence(event, window, self._judge)

    def _persistence(self, judge: Judge) -> Persistence:
        settings = self._settings
        return Persistence(
            judge.threshold, settings.clear_margin, settings.hold_minutes, settings.unknown_minutes, judge.severities
        )


def _add(totals: dict[str, int], counts: dict[str, int]) -> None:
    for name, count in counts.items():
        totals[name] = totals.get(name, 0) + count


def _minutes(turns: Sequence[Turn]) -> NDArray[np.int64]:
    """Of the due windows of all turns. # [sum k]"""
    return np.concatenate([np.empty(0, np.int64), *(turn.minute for turn in turns)])


def _parts(records: Records) -> Iterator[Records]:
    for start in range(0, len(records), PART):
        part = slice(start, start + PART)
        yield Records(records.partition, records.offsets[part], records.keys[part], records.values[part])
