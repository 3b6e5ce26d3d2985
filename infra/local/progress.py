"""What a local stack has made so far, and whether anything is still on its way.

Reads the ledger's whole table and the depth of every queue, which only a local stack allows.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

from emulator import Emulator
from processes import Failure

LOOK_SECONDS = 1.0
# a run's thousands take a while to count
LOOK_SECONDS_OF_RUN = 2.0
# runs fill the flows' queues, these the reports': looked at in this order, work in between is not missed
UPSTREAM = ("StatementRun", "OfferRun")
DOWNSTREAM = ("WriteBack",)
OPEN = ("claimed", "sending")
ATTRIBUTES = (
    "pk",
    "flow",
    "document",
    "state",
    "write_back",
    "channel",
    "reason",
    "subject",
    "created_epoch_ms",
)


def nothing_else() -> bool:
    return True


@dataclass(frozen=True)
class Communication:
    id: str
    flow: str
    document: str
    state: str
    write_back: str
    channel: str
    reason: str
    subject: str
    created: int

    @property
    def settled(self) -> bool:
        return self.state not in OPEN and self.write_back != "pending"


class Progress:
    def __init__(self, emulator: Emulator, outputs: dict[str, str]) -> None:
        self._emulator = emulator
        self._table = outputs["TableName"]
        self._queues = queues(outputs, "QueueUrl")
        self._dead = queues(outputs, "DeadLetterUrl")

    def communications(self) -> list[Communication]:
        """Oldest first. What else the table holds is no communication and has no flow."""
        found = [
            Communication(
                id=item["pk"],
                flow=item["flow"],
                document=item["document"],
                state=item["state"],
                write_back=item.get("write_back", "-"),
                channel=item.get("channel", "-"),
                reason=item.get("reason", ""),
                subject=item.get("subject", ""),
                created=int(item["created_epoch_ms"]),
            )
            for item in self._emulator.items(self._table, *ATTRIBUTES)
            if "flow" in item
        ]
        return sorted(found, key=lambda it: (it.created, it.document, it.id))

    def waiting(self) -> dict[str, int]:
        """Messages on their way, by queue; queues without any are left out."""
        counts = {name: self._emulator.waiting(url) for name, url in self._queues.items()}
        return {name: count for name, count in counts.items() if count}

    def dead_letters(self) -> dict[str, int]:
        counts = {name: self._emulator.waiting(url) for name, url in self._dead.items()}
        return {name: count for name, count in counts.items() if count}

    def watch(
        self,
        seconds: float,
        *,
        flows: tuple[str, ...] | None = None,
        expected: int = 0,
        until: Callable[[], bool] = nothing_else,
    ) -> None:
        """Prints what is settled until nothing is on its way, and `until` says that nothing more will come.

        Communications of other flows than `flows` are not looked at. Raises `Failure` when it takes longer
        than `seconds`.
        """
        begun = time.monotonic()
        said = ""
        while True:
            over = until()
            waiting = self.waiting()
            made = [it for it in self.communications() if flows is None or it.flow in flows]
            line = summary(made, waiting, expected)
            if line != said:
                print(f"{time.monotonic() - begun:6.1f} s  {line}", flush=True)
                said = line
            if over and not waiting and all(it.settled for it in made):
                return
            if time.monotonic() - begun > seconds:
                raise Failure(f"not settled within {seconds:.0f} s")
            time.sleep(LOOK_SECONDS_OF_RUN if expected else LOOK_SECONDS)


def queues(outputs: dict[str, str], kind: str) -> dict[str, str]:
    """The stack's queues by the name of their function, upstream first."""
    found = {key.removeprefix(kind): url for key, url in outputs.items() if key.startswith(kind)}
    rank = {**dict.fromkeys(UPSTREAM, 0), **dict.fromkeys(DOWNSTREAM, 2)}
    return dict(sorted(found.items(), key=lambda it: (rank.get(it[0], 1), it[0])))


def summary(made: list[Communication], waiting: dict[str, int], expected: int) -> str:
    settled = sum(it.settled for it in made)
    states = Counter(it.state for it in made)
    parts = [f"{settled} of {max(expected, len(made))} settled"]
    parts += [f"{count} {state}" for state, count in sorted(states.items())]
    if waiting:
        parts.append("waiting: " + ", ".join(f"{name} {count}" for name, count in waiting.items()))
    return " · ".join(parts)


def table(made: list[Communication], most: int = 20, examples: int = 3) -> list[str]:
    """One line per communication; of a flow with more than `most`, one line per state and a few examples."""
    rows = [("FLOW", "DOCUMENT", "STATE", "CHANNEL", "REPORT", "SUBJECT")]
    notes = [""]
    for flow in dict.fromkeys(it.flow for it in made):
        of_flow = [it for it in made if it.flow == flow]
        if len(of_flow) <= most:
            rows += [row(it) for it in of_flow]
            notes += [it.reason for it in of_flow]
            continue
        kinds = Counter((it.document, it.state, it.channel, it.write_back) for it in of_flow)
        for kind, count in sorted(kinds.items()):
            alike = [it for it in of_flow if (it.document, it.state, it.channel, it.write_back) == kind]
            rows.append((flow, *kind, f"{count} of these, such as"))
            notes.append("")
            rows += [("", "", "", "", "", it.subject) for it in alike[:examples]]
            notes += [it.reason for it in alike[:examples]]
    widths = [max(len(cells[column]) for cells in rows) for column in range(len(rows[0]))]
    lines = [
        "  ".join(f"{cell:{width}}" for cell, width in zip(cells, widths, strict=True)) for cells in rows
    ]
    return [f"{line}  {note}".rstrip() for line, note in zip(lines, notes, strict=True)]


def row(it: Communication) -> tuple[str, str, str, str, str, str]:
    return (it.flow, it.document, it.state, it.channel, it.write_back, it.subject)
