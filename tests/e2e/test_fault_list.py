"""Which cases of the fault list are proven, and where; a case that applies and has no test fails here.

The list has forty numbered cases, for Kraken (K), the application (A) and others. A test says which one it
proves by ``@pytest.mark.fault(number)``.
"""

from __future__ import annotations

import ast
from collections import defaultdict
from pathlib import Path

TESTS = Path(__file__).resolve().parents[1]

CASES = {
    1: "connection reset mid stream",
    2: "half-open link",
    3: "pings answered, no data",
    4: "handshake never answered",
    5: "latency and jitter",
    6: "truncated frame, then the end",
    7: "garbage bytes",
    8: "one byte at a time",
    9: "oversized message, compression bomb",
    10: "reconnect storm",
    11: "HTTP 429, on REST and on the upgrade",
    12: "5xx and HTML pages",
    13: "redirect to another host",
    14: "TLS",
    15: "no network at the start, DNS, suspend",
    16: "sequence gap",
    17: "duplicate and reordered updates",
    18: "wrong checksum",
    19: "updates during a resync",
    20: "impossible prices, crossed book",
    21: "price times a hundred",
    22: "unknown and missing fields",
    23: "delisted, halted, tick changed",
    24: "flood",
    25: "accepted, answer lost",
    26: "never arrived",
    27: "any order of ack, fill and cancel",
    28: "duplicate fill",
    29: "fill after cancel, overfill, unknown order",
    30: "cancel refused or unanswered",
    31: "per-order results of a batch",
    32: "client id used again",
    33: "kill -9",
    34: "second instance",
    35: "changes while the line was down",
    36: "token expires",
    37: "clocks",
    38: "disk full",
    39: "broken files, keychain, planted secrets",
    40: "attacks on the bridge",
}
# Through the composed application on a practice venue, not only in a part of it.
END_TO_END = set(CASES) - {31}
"""The gate places orders one by one: what becomes of a batch is the connector's affair."""


def proofs() -> dict[int, list[str]]:
    """By case: the tests that say they prove it."""
    found: dict[int, list[str]] = defaultdict(list)
    for path in sorted(TESTS.rglob("test_*.py")):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        whole = [
            number for node in tree.body if isinstance(node, ast.Assign) for number in _numbers(node.value)
        ]
        for node in tree.body:
            if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
                numbers = [number for mark in node.decorator_list for number in _numbers(mark)]
                for number in {*numbers, *whole}:
                    found[number].append(f"{path.relative_to(TESTS).as_posix()}::{node.name}")
    return found


def _numbers(node: ast.AST) -> list[int]:
    return [
        argument.value
        for call in ast.walk(node)
        if isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute) and call.func.attr == "fault"
        for argument in call.args
        if isinstance(argument, ast.Constant) and isinstance(argument.value, int)
    ]


def test_every_case_that_applies_is_proven() -> None:
    found = proofs()
    for number, title in CASES.items():
        print(f"{number:2} {title}: {len(found[number])}")
        for name in found[number]:
            print(f"     {name}")
    missing = {number: title for number, title in CASES.items() if not found[number]}
    assert not missing


def test_every_case_that_applies_is_proven_through_the_whole_application() -> None:
    found = proofs()
    missing = {
        number: CASES[number]
        for number in sorted(END_TO_END)
        if not [name for name in found[number] if name.startswith("e2e/")]
    }
    assert not missing


def test_no_test_proves_a_case_that_is_not_on_the_list() -> None:
    assert set(proofs()) <= set(CASES)
    assert sorted(CASES) == list(range(1, 41))
