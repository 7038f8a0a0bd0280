"""Kraken's ids from the practice market's counters, and back, with no table between them.

Three groups of 6-5-6 upper case letters and digits: orders begin with ``O``, fills ``T``, ledger rows ``L``;
amend ids have no fixed first letter. The number is scrambled by a multiplication that can be undone, so
that neighbouring ids look nothing alike and ids survive a restart by themselves.
"""

from __future__ import annotations

from typing import Final

_ALPHABET: Final = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_VALUES: Final = {letter: value for value, letter in enumerate(_ALPHABET)}
_SIZE: Final = 36**16
_FACTOR: Final = 0x9E3779B97F4A7C15F39CC0605CEDC835 % _SIZE | 1
_SHIFT: Final = 36**15 * 7 + 12_345_678_901_234_567


def _coprime(factor: int) -> int:
    while factor % 3 == 0 or factor % 2 == 0:
        factor += 1
    return factor


_MULTIPLIER: Final = _coprime(_FACTOR)
_INVERSE: Final = pow(_MULTIPLIER, -1, _SIZE)


def _make(first: str, number: int) -> str:
    value = (number * _MULTIPLIER + _SHIFT) % _SIZE
    letters = []
    for _ in range(16):
        value, digit = divmod(value, 36)
        letters.append(_ALPHABET[digit])
    text = first + "".join(letters)
    return f"{text[:6]}-{text[6:11]}-{text[11:]}"


def _read(first: str, text: str) -> int | None:
    if len(text) != 19 or text[0] != first or text[6] != "-" or text[12] != "-":
        return None
    value = 0
    for letter in reversed(text.replace("-", "")[1:]):
        digit = _VALUES.get(letter)
        if digit is None:
            return None
        value = value * 36 + digit
    number = (value - _SHIFT) * _INVERSE % _SIZE
    # A number beyond any counter is somebody's invention, not an id that was given out.
    return number if number < 1 << 50 else None


def order_txid(order_id: int) -> str:
    """``OQCLML-BW3P3-BUCMWZ``."""
    return _make("O", order_id)


def order_id_of(txid: str) -> int | None:
    """The order's number, or None where the text is no order id of this venue."""
    return _read("O", txid)


def trade_txid(fill_id: int) -> str:
    """``TCCCTY-WE2O6-P3NB37``."""
    return _make("T", fill_id)


def fill_id_of(txid: str) -> int | None:
    return _read("T", txid)


def ledger_txid(entry_id: int) -> str:
    """``LZ4XCF-CDSJB-5MUKNT``."""
    return _make("L", entry_id)


def entry_id_of(txid: str) -> int | None:
    return _read("L", txid)


def amend_txid(order_id: int, number: int) -> str:
    """The id of an order's n-th amend."""
    return _make("T", (order_id << 12 | number & 0xFFF) + (1 << 52))
