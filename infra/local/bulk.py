#!/usr/bin/env python3
"""A result of `bulk_statement_locations.graphql`: company locations and their orders, one object per line.

The same count and period give the same bytes, on any machine. Every amount follows from the ones before it,
to the cent, so that a statement made of the file can be checked against it: what was received is what the
successful sales say, what is outstanding is the total less that. Names and addresses are made up.
"""

from __future__ import annotations

import argparse
import calendar
import json
import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

CURRENCY = "EUR"
FIRST_ID = 7_300_000_000_000
TRADES = (
    "Outdoor",
    "Cycling",
    "Mountain",
    "Harbour",
    "Forest",
    "River",
    "Valley",
    "Summit",
    "Coast",
    "Meadow",
)
KINDS = ("Supplies", "Sports", "Traders", "Stores", "Equipment", "Hire", "Wholesale", "Outfitters")
TOWNS = ("Lyon", "Nantes", "Lille", "Dijon", "Rennes", "Annecy", "Grenoble", "Colmar", "Pau", "Brest")
# how often an order is: paid, paid in part, open, returned in part after payment, cancelled before payment
FATES = (("paid", 45), ("part", 15), ("open", 25), ("returned", 10), ("cancelled", 5))
DUE_DAYS = 30
MONTHS_BEFORE = 4


@dataclass(frozen=True)
class Period:
    """A calendar month."""

    year: int
    month: int

    @classmethod
    def parse(cls, text: str) -> Period:
        year, month = text.split("-")
        period = cls(int(year), int(month))
        calendar.monthrange(period.year, period.month)
        return period

    def __str__(self) -> str:
        return f"{self.year}-{self.month:02}"

    @property
    def first(self) -> date:
        return date(self.year, self.month, 1)

    @property
    def last(self) -> date:
        return date(self.year, self.month, calendar.monthrange(self.year, self.month)[1])


def lines(count: int, period: Period) -> Iterator[str]:
    """The file's lines: each location is followed by its orders."""
    for index in range(count):
        chance = seed(index, period)
        location = company_location(index, chance)
        yield text(location)
        for order in orders(index, period, chance):
            yield text({**order, "__parentId": location["id"]})


def accounts(count: int, period: Period) -> Iterator[dict[str, Any]]:
    """The locations alone, as Shopify answers when asked for one of them."""
    for index in range(count):
        yield company_location(index, seed(index, period))


def seed(index: int, period: Period) -> random.Random:
    """An account's own, so that a longer file begins as a shorter one."""
    return random.Random(f"{period}-{index}")


def company_location(index: int, chance: random.Random) -> dict[str, Any]:
    number = FIRST_ID + index
    company = f"{chance.choice(TRADES)} {chance.choice(KINDS)} {index + 1}"
    locale = chance.choice(("en", "fr"))
    town = chance.choice(TOWNS)
    contact = {
        "id": gid("Customer", number),
        "displayName": f"Accounts of {company}",
        "defaultEmailAddress": {"emailAddress": f"accounts-{index + 1}@trade.example"},
    }
    address = {
        "firstName": None,
        "lastName": "Accounts",
        "companyName": company,
        "address1": f"{chance.randint(1, 180)} rue du Commerce",
        "address2": None,
        "zip": f"{chance.randint(1000, 95999):05}",
        "city": town,
        "province": None,
        "country": "France",
        "countryCode": "FR",
        "phone": None,
    }
    return {
        "id": gid("CompanyLocation", number),
        "name": f"{company}, {town}",
        "externalId": f"T{index + 1:06}",
        "locale": locale,
        "company": {
            "id": gid("Company", number),
            "name": company,
            "mainContact": {"id": gid("CompanyContact", number), "locale": locale, "customer": contact},
        },
        "billingAddress": address,
        "shippingAddress": address,
        "buyerExperienceConfiguration": {
            "paymentTermsTemplate": {"id": gid("PaymentTermsTemplate", 4), "name": f"Net {DUE_DAYS}"}
        },
    }


def orders(index: int, period: Period, chance: random.Random) -> Iterator[dict[str, Any]]:
    """At least one in the period, so that every account has a statement."""
    earliest = period.first - timedelta(days=30 * MONTHS_BEFORE)
    days = sorted(
        chance.randint(earliest.toordinal(), period.last.toordinal()) for _ in range(chance.randint(0, 7))
    )
    days.append(chance.randint(period.first.toordinal(), period.last.toordinal()))
    for place, day in enumerate(sorted(days)):
        yield order(FIRST_ID + index * 100 + place, date.fromordinal(day), period, chance)


def order(number: int, day: date, period: Period, chance: random.Random) -> dict[str, Any]:
    total = chance.randint(2_000, 480_000)
    fate, paid_on, back_on = history(day, period, chance)
    received = {"open": 0, "cancelled": 0, "part": total // chance.randint(2, 5)}.get(fate, total)
    back = total // chance.randint(2, 8) if fate == "returned" else 0
    ordered = moment(day, 8, chance)
    cancelled = moment(day, 11, chance) if fate == "cancelled" else None
    moved = []
    if received:
        if chance.random() < 0.1:
            # what failed moved no money
            moved.append(transaction(number * 10, "SALE", "FAILURE", moment(paid_on, 11, chance), received))
        moved.append(transaction(number * 10 + 1, "SALE", "SUCCESS", moment(paid_on, 14, chance), received))
    refunds = []
    if back:
        at = moment(back_on, 17, chance)
        moved.append(transaction(number * 10 + 2, "REFUND", "SUCCESS", at, back))
        refunds.append({"id": gid("Refund", number), "processedAt": at, "totalRefundedSet": money(back)})
    outstanding = 0 if cancelled else total - received
    return {
        "id": gid("Order", number),
        "name": f"#{number - FIRST_ID + 20_000}",
        "processedAt": ordered,
        "cancelledAt": cancelled,
        "test": False,
        "poNumber": f"PO-{chance.randint(10_000, 99_999)}" if chance.random() < 0.6 else None,
        "presentmentCurrencyCode": CURRENCY,
        "taxesIncluded": True,
        "subtotalLineItemsQuantity": chance.randint(1, 60),
        "subtotalPriceSet": money(total),
        "totalTaxSet": money(total - total * 5 // 6),
        "totalDiscountsSet": money(0),
        "totalPriceSet": money(total),
        "currentTotalPriceSet": money(0 if cancelled else total - back),
        "refundDiscrepancySet": money(0),
        "totalOutstandingSet": money(outstanding),
        "totalCapturableSet": money(0),
        "paymentTerms": {
            "id": gid("PaymentTerms", number),
            "paymentTermsName": f"Net {DUE_DAYS}",
            "dueInDays": DUE_DAYS,
            "overdue": outstanding > 0 and day + timedelta(days=DUE_DAYS) <= period.last,
        },
        "transactions": moved,
        "refunds": refunds,
    }


def history(day: date, period: Period, chance: random.Random) -> tuple[str, date, date]:
    """What becomes of an order, and the days of payment and refund; what is due later has not happened."""
    (fate,) = chance.choices([name for name, _ in FATES], [weight for _, weight in FATES])
    paid_on = day + timedelta(days=chance.randint(0, 45))
    back_on = paid_on + timedelta(days=chance.randint(0, 20))
    # nothing is cancelled in the period itself: every account has a purchase to sum up
    if (day >= period.first) if fate == "cancelled" else (paid_on > period.last):
        fate = "open"
    if fate == "returned" and back_on > period.last:
        fate = "paid"
    return fate, paid_on, back_on


def transaction(number: int, kind: str, outcome: str, at: str, cents: int) -> dict[str, Any]:
    # an order's money comes and goes one way
    by_card = number // 10 % 4 == 0
    return {
        "id": gid("OrderTransaction", number),
        "kind": kind,
        "status": outcome,
        "processedAt": at,
        "createdAt": at,
        "gateway": "shopify_payments" if by_card else "bank_transfer",
        "formattedGateway": "Shopify Payments" if by_card else "Bank transfer",
        "paymentDetails": {"number": "•••• •••• •••• 4242"} if by_card else None,
        "amountSet": money(cents),
    }


def moment(day: date, hour: int, chance: random.Random) -> str:
    """Within two hours, by day, so that it is the same date in every European time zone."""
    at = datetime(day.year, day.month, day.day, hour, tzinfo=UTC) + timedelta(seconds=chance.randint(0, 7200))
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")


def money(cents: int) -> dict[str, Any]:
    return {"presentmentMoney": {"amount": f"{cents // 100}.{cents % 100:02}", "currencyCode": CURRENCY}}


def gid(kind: str, number: int) -> str:
    return f"gid://shopify/{kind}/{number}"


def text(value: dict[str, Any]) -> str:
    return json.dumps(value, separators=(",", ":"))


def write(file: Path, count: int, period: Period) -> int:
    """The number of lines, which are objects."""
    file.parent.mkdir(parents=True, exist_ok=True)
    objects = 0
    with file.open("w", newline="\n") as out:
        for line in lines(count, period):
            out.write(line + "\n")
            objects += 1
    return objects


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("file", type=Path)
    parser.add_argument("--customers", type=int, default=2_000)
    parser.add_argument("--period", type=Period.parse, default="2026-10", help="the month, as 2026-10")
    arguments = parser.parse_args()
    write(arguments.file, arguments.customers, arguments.period)


if __name__ == "__main__":
    main()
