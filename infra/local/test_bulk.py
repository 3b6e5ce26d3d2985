"""What `bulk` promises: the same bytes each time, accounts in one piece, and amounts that add up."""

from __future__ import annotations

import json
import re
import unittest
from decimal import Decimal
from pathlib import Path
from typing import Any

from bulk import Period, lines

PERIOD = Period(2026, 10)
GRAPHQL = Path(__file__).resolve().parents[2] / "shared/shopify/graphql"


def cents(money: dict[str, Any]) -> int:
    return int(Decimal(money["presentmentMoney"]["amount"]) * 100)


def fields(query: str) -> dict[str, Any]:
    """The selection of the query, as nested names; what is selected of one type, beside what is of all."""
    bare = re.sub(r"#.*|\([^)]*\)", "", query)
    words = iter(re.findall(r"[{}]|\.\.\. on \w+|\w+", bare[bare.index("{") + 1 :]))

    def selection() -> dict[str, Any]:
        found: dict[str, Any] = {}
        last = ""
        for word in words:
            if word == "}":
                break
            if word == "{" and last.startswith("..."):
                del found[last]
                found |= selection()
            elif word == "{":
                found[last] = selection()
            else:
                found[last := word] = {}
        return found

    return selection()


def shape(value: Any) -> dict[str, Any]:
    """The names that objects have, one below another; of a list, those of all its objects."""
    found: dict[str, Any] = {}
    for one in value if isinstance(value, list) else [value]:
        for name, inner in one.items() if isinstance(one, dict) else ():
            found[name] = merged(found.get(name, {}), shape(inner))
    return found


def merged(one: dict[str, Any], other: dict[str, Any]) -> dict[str, Any]:
    names = one.keys() | other.keys()
    return {name: merged(one.get(name, {}), other.get(name, {})) for name in names}


class BulkTest(unittest.TestCase):
    def setUp(self) -> None:
        self.lines = list(lines(300, PERIOD))
        self.objects = [json.loads(line) for line in self.lines]
        self.orders = [it for it in self.objects if "__parentId" in it]

    def test_is_the_same_each_time_and_begins_the_same_at_every_length(self) -> None:
        self.assertEqual(self.lines, list(lines(300, PERIOD)))
        shorter = list(lines(100, PERIOD))
        self.assertEqual(self.lines[: len(shorter)], shorter)
        self.assertNotEqual(self.lines, list(lines(300, Period(2026, 9))))

    def test_has_each_account_in_one_piece_with_an_order_of_the_month(self) -> None:
        accounts: dict[str, list[str]] = {}
        current = ""
        for it in self.objects:
            if "__parentId" in it:
                self.assertEqual(it["__parentId"], current)
                accounts[current].append(it["processedAt"])
            else:
                current = it["id"]
                self.assertNotIn(current, accounts)
                accounts[current] = []
        self.assertEqual(len(accounts), 300)
        for orders in accounts.values():
            self.assertTrue(any(day.startswith("2026-10-") for day in orders))
            self.assertLessEqual(max(orders), "2026-10-31T23:59:59Z")

    def test_adds_up_to_the_cent(self) -> None:
        for order in self.orders:
            moved = {"SALE": 0, "REFUND": 0}
            for it in order["transactions"]:
                moved[it["kind"]] += cents(it["amountSet"]) if it["status"] == "SUCCESS" else 0
            total = 0 if order["cancelledAt"] else cents(order["totalPriceSet"])
            self.assertEqual(sum(cents(it["totalRefundedSet"]) for it in order["refunds"]), moved["REFUND"])
            self.assertEqual(cents(order["currentTotalPriceSet"]), total - moved["REFUND"])
            self.assertEqual(cents(order["totalOutstandingSet"]), total - moved["SALE"])
            self.assertLessEqual(moved["REFUND"], moved["SALE"])

    def test_tells_everything_in_the_order_it_happened(self) -> None:
        for order in self.orders:
            at = [order["processedAt"], *(it["processedAt"] for it in order["transactions"])]
            self.assertEqual(at, sorted(at))
            self.assertLessEqual(at[-1], "2026-10-31T23:59:59Z")

    def test_has_orders_of_every_kind(self) -> None:
        kinds: dict[tuple[bool, ...], int] = {}
        for order in self.orders:
            total, outstanding = cents(order["totalPriceSet"]), cents(order["totalOutstandingSet"])
            cancelled = order["cancelledAt"] is not None
            kind = (cancelled, outstanding == 0, outstanding == total, bool(order["refunds"]))
            kinds[kind] = kinds.get(kind, 0) + 1
        self.assertEqual(len(kinds), 5, kinds)
        self.assertEqual({order["paymentTerms"]["overdue"] for order in self.orders}, {True, False})
        outcomes = {it["status"] for order in self.orders for it in order["transactions"]}
        self.assertEqual(outcomes, {"SUCCESS", "FAILURE"})

    def test_has_the_fields_that_the_query_asks_for(self) -> None:
        asked = fields((GRAPHQL / "bulk_statement_locations.graphql").read_text())
        location = asked["companyLocations"]["edges"]["node"]
        order = location.pop("orders")["edges"]["node"]
        order["__parentId"] = {}
        roots = [it for it in self.objects if "__parentId" not in it]
        self.assertEqual(shape(roots), location)
        self.assertEqual(shape(self.orders), order)

    def test_every_id_is_somebody_alone(self) -> None:
        found: list[str] = []
        for it in self.objects:
            found += [it["id"], *(part["id"] for part in it.get("transactions", []) + it.get("refunds", []))]
        self.assertEqual(len(found), len(set(found)))


if __name__ == "__main__":
    unittest.main()
