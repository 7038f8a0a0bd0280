"""The index that the search asks: the same answers as a look at each instrument alone, and quickly."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from terminal.domain.instrument import Instrument, InstrumentId, InstrumentKind
from terminal.domain.market import Quote
from terminal.viewmodels import search as searching
from terminal.viewmodels.search import SearchIndex, rank

D = Decimal
NAMES = (
    "BTC/USD",
    "BTC/EUR",
    "WBTC/USD",
    "ETH/BTC",
    "S00420.US",
    "S00421.US",
    "US500",
    "EUR/USD",
    "BTC-PERP",
)
QUERIES = (
    "bitcoin",
    "bit",
    "okx bitcoin",
    "btc usd okx",
    "euro",
    "",
    " ",
    "btc",
    "xbt",
    "BTC-USD",
    "usd eth",
    "s0042",
    "us",
    "us 500",
    "cfd",
    "okx btc",
    "¤",
    "btc ¤",
)
ids = st.builds(InstrumentId, st.sampled_from(("kraken", "okx")), st.sampled_from(NAMES))


def listed(key: InstrumentId, *, description: str = "") -> Instrument:
    base, _, quote = key.symbol.partition("/")
    kind = InstrumentKind.PERPETUAL if "PERP" in key.symbol else InstrumentKind.CFD
    return Instrument(
        key,
        key.symbol.replace("/", ""),
        kind,
        base,
        quote,
        tick_size=D("0.1"),
        quantity_step=D("0.1"),
        min_quantity=D("0.1"),
        price_decimals=1,
        quantity_decimals=1,
        description=description,
    )


def quoted(key: InstrumentId, volume: int) -> Quote:
    nothing = dict.fromkeys(Quote._fields)
    return Quote(**{**nothing, "instrument": key, "last": D(2), "volume_24h": D(volume)})  # type: ignore[arg-type]


def found(index: SearchIndex, text: str, known: list[Instrument], limit: int = 200) -> list[InstrumentId]:
    return [hit.id for hit in index.search(text, known, (), (), lambda key: None, limit=limit)]


@given(
    st.sampled_from(QUERIES),
    st.lists(ids, unique=True),
    st.sets(ids),
    st.sets(ids),
    st.dictionaries(ids, st.integers(0, 3)),
    st.integers(1, 6),
    st.booleans(),
)
def test_the_best_come_first_as_if_each_instrument_were_looked_at_alone(
    text: str,
    keys: list[InstrumentId],
    favourites: set[InstrumentId],
    watched: set[InstrumentId],
    volumes: dict[InstrumentId, int],
    limit: int,
    is_noted: bool,
) -> None:
    known = [listed(key) for key in keys]
    index = SearchIndex()
    for instrument in known if is_noted else ():
        index.note(instrument)
    quotes = {key: quoted(key, volume) for key, volume in volumes.items()}
    hits = index.search(text, known, favourites, watched, quotes.get, limit=limit)
    expected = sorted(
        (
            place,
            each.id not in favourites,
            each.id not in watched,
            -2 * volumes.get(each.id, 0),
            each.symbol,
            each.venue,
        )
        for each in known
        if (place := rank(text, each)) is not None
    )
    assert [(hit.id.symbol, hit.id.venue) for hit in hits] == [row[-2:] for row in expected][:limit]
    for hit in hits:
        assert hit.favourite is (hit.id in favourites)
        assert hit.volume == 2 * volumes.get(hit.id, 0)


def test_what_has_changed_or_gone_is_found_as_it_is_now() -> None:
    index = SearchIndex()
    first, second = (InstrumentId("kraken", name) for name in ("BTC/USD", "BTC/EUR"))
    assert found(index, "btc", [listed(first), listed(second)]) == [second, first]
    renewed = listed(first, description="now in words")
    (hit,) = index.search("btc", [renewed], (), (), lambda key: None)
    assert hit.instrument is renewed
    assert found(index, "btc", []) == []
    assert found(index, "btc", [listed(second)]) == [second]


def test_a_search_takes_no_name_apart_again(monkeypatch: pytest.MonkeyPatch) -> None:
    index = SearchIndex()
    known = [listed(InstrumentId("ctrader", f"S{number:05d}.US")) for number in range(500)]
    for instrument in known:
        index.note(instrument)
    taken: list[str] = []
    real = searching.plain

    def noting(text: str) -> str:
        taken.append(text)
        return real(text)

    monkeypatch.setattr(searching, "plain", noting)
    assert len(found(index, "s00", known)) == 200
    assert set(taken) == {"s00"}


def test_names_of_assets_are_as_good_as_their_symbols() -> None:
    index = SearchIndex()
    btc, wrapped, ratio = (
        listed(InstrumentId("kraken", name)) for name in ("BTC/USD", "WBTC/USD", "ETH/BTC")
    )
    cash = listed(InstrumentId("kraken", "BCH/USD"))
    known = [ratio, wrapped, cash, btc]
    assert found(index, "bitcoin", known) == [btc.id, cash.id, ratio.id, wrapped.id]
    assert found(index, "bitcoin cash", known) == [cash.id]
    assert rank("coin", btc) is None


def test_the_venue_s_own_words_are_searched() -> None:
    gold = listed(InstrumentId("ctrader", "XAU/USD"))
    index_of_shares = listed(InstrumentId("ctrader", "US500"), description="US 500 (S&P)")
    odd = listed(InstrumentId("ctrader", "GER40"), description="Germany-40 Cash")
    assert rank("gold", gold) == 0
    assert rank("germany", odd) == 2
    assert rank("germany ctrader", odd) == 2
    assert rank("many", odd) is None
    assert rank("500", index_of_shares) == 2


def test_venue_and_kind_narrow_a_question_down_without_costing_the_exact_answer_its_place() -> None:
    index = SearchIndex()
    spot = listed(InstrumentId("okx", "BTC/USDT"))
    wrapped = listed(InstrumentId("okx", "WBTC/USDT"))
    elsewhere = listed(InstrumentId("kraken", "BTC/USD"))
    known = [wrapped, elsewhere, spot]
    for text in ("okx btc", "btc okx", "okx bitcoin"):
        assert found(index, text, known)[0] == spot.id
        assert elsewhere.id not in found(index, text, known)
    assert rank("okx btc", spot) == 0
    assert rank("okx btc", wrapped) == 2
    assert rank("cfd okx btc", spot) == 0
    assert rank("okx", spot) == 2


def test_the_most_traded_of_equals_comes_first() -> None:
    keys = [InstrumentId(venue, "BTC/USD") for venue in ("a", "b", "c")]
    quotes = {keys[0]: quoted(keys[0], 1), keys[1]: quoted(keys[1], 9)}
    hits = SearchIndex().search("btc", [listed(key) for key in keys], (), (), quotes.get)
    assert [hit.id.venue for hit in hits] == ["b", "a", "c"]
    assert hits[0].words == "Bitcoin"


def test_a_venue_is_found_by_what_it_is_called_now() -> None:
    titles = {"custom-a": "My OKX", "kraken": "Kraken"}
    keys = [InstrumentId(venue, "BTC/USD") for venue in titles]
    known = [listed(key) for key in keys]
    index = SearchIndex(titles.__getitem__)
    assert found(index, "btc my", known) == found(index, "btc okx", known) == [keys[0]]
    assert found(index, "custom", known) == []
    titles["custom-a"] = "Another"
    index.rename()
    assert found(index, "another btc", known) == [keys[0]]
    assert found(index, "okx", known) == []
    assert rank("btc another", known[0], "Another") == 0


def test_an_inverse_contract_is_found_by_its_coin_and_weighed_by_the_dollars_it_counts() -> None:
    swap, spot = InstrumentId("okx", "BTC/USD-PERP"), InstrumentId("okx", "BTC/USDT")
    inverse = replace(listed(swap), base="USD", quote="USD", is_inverse=True)
    # 30 dollars a day against 20 coins at 2 dollars each.
    quotes = {swap: quoted(swap, 30), spot: quoted(spot, 20)}
    hits = SearchIndex().search("bitcoin", [inverse, listed(spot)], (), (), quotes.get)
    assert [(hit.id, hit.volume) for hit in hits] == [(spot, D(40)), (swap, D(30))]
    assert hits[1].words == "Bitcoin"
