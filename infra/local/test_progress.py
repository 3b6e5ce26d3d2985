"""What `progress` promises: it waits for all there is, and shows many of a kind in few lines."""

from __future__ import annotations

import contextlib
import io
import unittest
from collections.abc import Iterator
from typing import cast
from unittest import mock

from emulator import Emulator
from processes import Failure
from progress import Communication, Progress, queues, table

OUTPUTS = {
    "TableName": "ledger",
    "QueueUrlWriteBack": "write-back",
    "QueueUrlReturnLetters": "return-letters",
    "QueueUrlStatementRun": "statement-run",
    "DeadLetterUrlReturnLetters": "return-letters-dlq",
}


def item(
    id: str, flow: str = "return-letters", state: str = "accepted", report: str = "reported"
) -> dict[str, str]:
    return {
        "pk": id,
        "flow": flow,
        "document": "return-authorization",
        "state": state,
        "write_back": report,
        "created_epoch_ms": "1",
    }


class Moments:
    """An emulator that shows one moment after the other, and the last one for ever."""

    def __init__(self, *moments: tuple[dict[str, int], list[dict[str, str]]]) -> None:
        self.moments = list(moments)
        self.asked: list[str] = []

    def waiting(self, url: str) -> int:
        self.asked.append(url)
        return self.moments[0][0].get(url, 0)

    def items(self, table: str, *_attributes: str) -> Iterator[dict[str, str]]:
        found = self.moments[0][1]
        if len(self.moments) > 1:
            self.moments.pop(0)
        yield from found


@mock.patch("progress.LOOK_SECONDS", 0.001)
class WatchTest(unittest.TestCase):
    def watch(self, moments: Moments, flows: tuple[str, ...] | None = None, seconds: float = 5) -> str:
        said = io.StringIO()
        with contextlib.redirect_stdout(said):
            Progress(cast(Emulator, moments), OUTPUTS).watch(seconds, flows=flows)
        return said.getvalue()

    def test_waits_for_queues_for_open_communications_and_for_reports(self) -> None:
        moments = Moments(
            ({"statement-run": 1}, []),
            ({"return-letters": 2}, []),
            ({}, [item("a", state="claimed", report="-")]),
            ({}, [item("a", report="pending")]),
            ({}, [item("a")]),
        )
        lines = self.watch(moments).splitlines()
        self.assertEqual(len(lines), 5)
        self.assertIn("0 of 0 settled · waiting: StatementRun 1", lines[0])
        self.assertIn("0 of 1 settled · 1 claimed", lines[2])
        self.assertIn("1 of 1 settled · 1 accepted", lines[4])

    def test_says_how_long_it_would_not_wait(self) -> None:
        with self.assertRaisesRegex(Failure, "not settled within"):
            self.watch(Moments(({"write-back": 1}, [])), seconds=0.02)

    def test_waits_only_for_the_flows_it_is_asked_about(self) -> None:
        self.watch(
            Moments(({}, [item("a"), item("b", "targeted-offers", "claimed", "-")])), ("return-letters",)
        )

    def test_takes_what_is_no_communication_for_none(self) -> None:
        self.assertIn("0 of 0", self.watch(Moments(({}, [{"pk": "recipient#a"}]))))

    def test_looks_upstream_first_so_that_work_in_between_is_not_missed(self) -> None:
        moments = Moments(({}, []))
        self.watch(moments)
        self.assertEqual(moments.asked, ["statement-run", "return-letters", "write-back"])
        self.assertEqual(list(queues(OUTPUTS, "DeadLetterUrl")), ["ReturnLetters"])


class TableTest(unittest.TestCase):
    @staticmethod
    def made(count: int, state: str) -> list[Communication]:
        def one(index: int) -> Communication:
            subject = f"{state}-{index}"
            return Communication(
                subject,
                "account-statements",
                "account-statement",
                state,
                "reported",
                "email",
                "why",
                subject,
                1,
            )

        return [one(index) for index in range(count)]

    def test_has_a_line_a_communication(self) -> None:
        lines = table(self.made(2, "failed"))
        self.assertEqual(len(lines), 3)
        self.assertRegex(
            lines[1], r"account-statements +account-statement +failed +email +reported +failed-0 +why"
        )

    def test_sums_up_many_by_state_with_examples(self) -> None:
        lines = table(self.made(1998, "accepted") + self.made(2, "failed"))
        self.assertEqual(len(lines), 1 + (1 + 3) + (1 + 2))
        self.assertRegex(lines[1], r"accepted +email +reported +1998 of these, such as$")
        self.assertIn("accepted-2", lines[4])
        self.assertRegex(lines[5], r"failed +email +reported +2 of these")
        self.assertRegex(lines[7], r"failed-1 +why$")


if __name__ == "__main__":
    unittest.main()
