"""How many streams a second one core decodes and encodes: `python -m benchmarks.gob`.

The order is a struct of about 1 kB as Go wrote it; the best of some rounds counts.
"""

import time
from dataclasses import dataclass, field
from datetime import UTC, datetime

from tasq_core.args import gob

ROUNDS = 7
SECONDS_PER_ROUND = 0.3


@dataclass
class Address:
    Street: str
    City: str
    Zip: str


@dataclass
class Line:
    SKU: str
    Quantity: int
    Price: float
    Gift: bool


@dataclass
class Order:
    ID: int
    Customer: str
    Email: str
    Created: datetime
    Ship: Address
    Bill: Address | None
    Lines: list[Line]
    Labels: dict[str, str]
    Express: bool
    Discount: float
    Notes: str
    Scores: list[int]
    Signature: bytes
    Parent: "Order | None" = field(default=None)


def order():
    return Order(
        ID=123456789, Customer="Ada Lovelace", Email="ada@example.com",
        Created=datetime(2026, 3, 4, 5, 6, 7, 890123, tzinfo=UTC),
        Ship=Address("12 Long Street", "Springfield", "12345"),
        Bill=Address("1 Infinite Loop", "Cupertino", "95014"),
        Lines=[
            Line(f"SKU-{1000 + i * 37:05}", i + 1, 9.99 * (i + 1), i % 3 == 0) for i in range(18)
        ],
        Labels={"region": "eu", "tier": "gold", "source": "web"}, Express=True, Discount=0.15,
        Notes="Leave at the door; ring twice. Ünïcödé.",
        Scores=[1, 20, 300, -4000, 50000, 6, 7, 8, 9, 10], Signature=b"\xde\xad\xbe\xef" * 8,
    )  # fmt: skip


def plain():
    return {
        "to": "ada@example.com", "subject": "Your order has shipped", "retries": 3, "ratio": 0.25,
        "tags": ["mail", "order", "eu"], "body": {"template": "shipped", "lang": "en", "n": 12},
    }  # fmt: skip


def rate(call, argument):
    """The best calls a second of all rounds, by the CPU time of this process."""
    best = 0.0
    for _ in range(ROUNDS):
        calls = 0
        start = time.process_time()
        while (spent := time.process_time() - start) < SECONDS_PER_ROUND:
            for _ in range(100):
                call(argument)
            calls += 100
        best = max(best, calls / spent)
    return best


def main():
    for name, value in (("struct", order()), ("map[string]any", plain())):
        raw = gob.encode(value)
        print(f"gob decode, {name} of {len(raw):,} bytes: {rate(gob.decode, raw):,.0f}/s")
        print(f"gob encode, {name} of {len(raw):,} bytes: {rate(gob.encode, value):,.0f}/s")


if __name__ == "__main__":
    main()
