"""What OKX lends beside the feeds: the prices of everything at once, and its own calls that only read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from terminal.core.clock import Clock
from terminal.domain.errors import ProtocolViolation, Unsupported
from terminal.domain.market import Quote
from terminal.venues.okx import parse
from terminal.venues.okx.errors import VENUE_NAME
from terminal.venues.okx.parse import WIRE_ERRORS
from terminal.venues.okx.rest import RAW_CALLS, OkxRest
from terminal.venues.okx.symbols import INST_TYPES, SymbolMap


async def tickers(rest: OkxRest, symbols: SymbolMap, clock: Clock) -> Sequence[Quote]:
    """The best prices and the figures of 24 hours of every instrument that is offered: one call a kind.

    Raises:
        VenueUnavailable: OKX could not be asked.
        ProtocolViolation: a row cannot be read.
    """
    out = []
    for inst_type in INST_TYPES:
        rows = await rest.tickers(inst_type)
        now = clock.wall_ns()
        for row in rows:
            if symbols.listing(row.instId) is None:
                continue  # listed since the lists were read, or not offered
            instrument, contract = symbols.id_of(row.instId), symbols.contract(row.instId)
            try:
                out.append(parse.quote(row, instrument, contract, now))
            except WIRE_ERRORS as error:
                raise ProtocolViolation(VENUE_NAME, f"tickers: {row.instId[:40]}: {error}") from error
    return out


async def raw_call(rest: OkxRest, path: str, params: Mapping[str, str]) -> bytes:
    """The answer of one of OKX's own calls that only read, in OKX's envelope.

    Raises:
        Unsupported: the path is on no list of those.
        CredentialError: it needs a key, and there is none.
        VenueError: OKX's no, or no answer.
    """
    area, _, _ = path.removeprefix("/api/v5/").partition("/")
    if path not in RAW_CALLS.get(area, ()):
        raise Unsupported(
            "raw call", f"{path[:80]} is not among the calls of OKX that only read: nothing was sent."
        )
    rows = await rest.raw(path, params, private=area in ("account", "trade"))
    return b'{"code":"0","msg":"","data":[' + b",".join(rows) + b"]}"
