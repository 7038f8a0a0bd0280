"""A venue's offer as a row of the comparison: its figures, its words, its columns."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from enum import Enum
from typing import Final

from terminal.domain.instrument import InstrumentId
from terminal.viewmodels import format as fmt
from terminal.viewmodels.tables import Column


class RowState(Enum):
    """Whether a venue takes part in the comparison, and if not, why."""

    LIVE = "live"
    THIN = "thin"
    TOO_SMALL = "below the least size"
    STALE = "stale"
    CLOSED = "closed"
    WAITING = "waiting"
    OTHER_MONEY = "no rate"
    OTHER_WORLD = "not comparable"
    OFF = "off"


@dataclass(frozen=True, slots=True)
class VenueRow:
    """A venue's offer for the size. Prices in its own quote currency, totals in the common one."""

    id: InstrumentId
    venue_title: str
    kind: str
    state: RowState
    chosen: bool
    """It is what the linked panels show."""
    price_decimals: int = 2
    average: Decimal | None = None
    fee: Decimal | None = None
    """None: the account's rates are not known."""
    total: Decimal | None = None
    """What a buy costs or a sell brings: fee included where all are known."""
    currency: str = ""
    difference_bps: Decimal | None = None
    """How much worse than the best one, in basis points of the best total; 0 for the best."""
    is_best: bool = False
    note: str = ""
    age_s: float | None = None
    conversion: str = ""
    """How its money was turned into the common one; empty where it is the same."""
    assumed: bool = False
    """It was taken one to one, for want of a live rate."""
    spark: tuple[float, ...] = ()
    """The difference of the last minutes, oldest first, one a second."""

    @property
    def tone(self) -> str:
        """Muted for whatever takes no part."""
        return "" if self.state is RowState.LIVE else "muted"

    @property
    def venue_text(self) -> str:
        """Venue and kind: ``OKX perp``."""
        return f"{self.venue_title} {self.kind}"

    @property
    def difference_text(self) -> str:
        """In basis points: ``+7.2``; the best one says so."""
        if self.is_best:
            return "best"
        return "" if self.difference_bps is None else bps_text(self.difference_bps, signed=True)

    @property
    def state_text(self) -> str:
        """The age of a live price, else why the venue takes no part."""
        if self.state is RowState.LIVE:
            return self.note or fmt.age(self.age_s)
        if self.state is RowState.STALE:
            return f"stale {fmt.age(self.age_s)}" if self.age_s is not None else "stale"
        return self.note or self.state.value

    @property
    def spark_text(self) -> str:
        """The line in words, for a screen reader."""
        return f"{self.spark[0]:.1f} to {self.spark[-1]:.1f} bps" if len(self.spark) > 1 else ""


def bps_text(value: Decimal, *, signed: bool = False) -> str:
    """Basis points with one digit, whole ones from a hundred on."""
    return fmt.money(value, decimals=0 if abs(value) >= 100 else 1, signed=signed)


def _row_tip(row: VenueRow) -> str:
    lines = [f"{row.id.symbol} at {row.venue_title}, {row.kind}"]
    if row.state is not RowState.LIVE:
        lines.append(f"Takes no part in the comparison: {row.state_text}")
    if row.conversion:
        lines.append(row.conversion)
    if row.kind in ("perp", "CFD"):
        lines.append("Holding it has a price of its own (funding or swap), which is not in here.")
    lines.append("Click: show and trade it in the linked panels")
    return "\n".join(lines)


def _quiet(row: VenueRow) -> str:
    return row.tone or "label"


COLUMNS: Final[tuple[Column[VenueRow], ...]] = (
    Column("venue", "Venue", lambda r: r.venue_text, 104, tone=lambda r: r.tone, tip=_row_tip),
    Column("symbol", "Symbol", lambda r: r.id.symbol, 106, tone=_quiet, tip=_row_tip),
    Column("average", "Average", lambda r: fmt.price(r.average, r.price_decimals) if r.average else "", 84,
           number=True, tone=lambda r: r.tone, sort=lambda r: r.average, tip=_row_tip,
           title_tip="Expected average price for the size, level by level through the live book"),
    Column("fee", "Fee", lambda r: "" if r.total is None else "unknown" if r.fee is None
           else fmt.fixed(r.fee, fee_decimals(r.fee)), 68, number=True, tone=_quiet, sort=lambda r: r.fee,
           title_tip="By the account's own rates for taking, in the common currency"),
    Column("total", "Total", lambda r: fmt.money(r.total, r.currency) if r.total is not None else "", 112,
           number=True, tone=lambda r: r.tone, sort=lambda r: r.total, tip=_row_tip,
           title_tip="What buying costs or selling brings, fee included"),
    Column("difference", "bps", lambda r: r.difference_text, 52, number=True, tone=lambda r: r.tone,
           sort=lambda r: r.difference_bps,
           title_tip="Worse than the best one, in basis points of its total"),
    Column("spark", "5 min", lambda r: r.spark_text, 84, tone=_quiet, sort=lambda r: r.difference_bps,
           title_tip="The difference of the last five minutes"),
    Column("state", "Age", lambda r: r.state_text, 120, tone=lambda r: "label" if not r.tone else "muted",
           tip=_row_tip, title_tip="How long ago the prices were last proven, or why a venue takes no part"),
)  # fmt: skip


def fee_decimals(fee: Decimal) -> int:
    """Fees of a few cents are told to a hundredth of a cent."""
    return 2 if fee == 0 or abs(fee) >= Decimal("0.1") else 4


def opening_text(opens_ns: int, now_ns: int) -> str:
    """When a market opens, in the machine's own time: ``23:00``, or ``Sun 23:00`` from tomorrow on."""
    opens = datetime.fromtimestamp(opens_ns // 1_000_000_000, tz=UTC).astimezone()
    today = datetime.fromtimestamp(now_ns // 1_000_000_000, tz=UTC).astimezone().date()
    return f"{opens:%H:%M}" if opens.date() == today else f"{opens:%a %H:%M}"
