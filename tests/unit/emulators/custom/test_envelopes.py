"""Whatever comes in an envelope, the plugin answers, refuses, or closes: nothing else escapes it."""

from __future__ import annotations

import json
from functools import cache
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from terminal.core.clock import ManualClock
from terminal.emulators.custom.behaviour import Behaviour
from terminal.emulators.custom.exchange import CustomExchange
from terminal.emulators.custom.listings import CUSTOM_LISTINGS
from terminal.emulators.custom.plugin import KINDS, Plugin, PluginCrash, PluginError
from terminal.emulators.custom.replies import json_text
from terminal.emulators.market.practice import PracticeMarket

_NAMES = ("symbol", "limit", "period", "type", "price", "amount", "id", "since", "level", "instId", "ordId",
          "sz", "px", "side")  # fmt: skip
_PATHS = ("/api/v5/trade/order", "/api/v5/trade/cancel-order", "/api/v5/market/books", "/api/v5/trade/fills")
_VALUES = st.one_of(
    st.sampled_from([
        "ETH_USDT", "btc_usdt", "BTC_USDT.swap", "USDT", "_", "ETH-USDT", "ETH-USDT,1", ",", "buy", "sell",
        "closebuy", "buy;", 'sell;{"timeInForce":"FOK"}', "-1", "0", "0.1", "1e30", "NaN", "60", "30", "",
    ]),
    st.integers(), st.floats(), st.booleans(), st.none(), st.text(), st.lists(st.integers(), max_size=2),
)  # fmt: skip


@cache
def _exchange() -> CustomExchange:
    clock = ManualClock()
    return CustomExchange(PracticeMarket(seed=3, clock=clock, listings=CUSTOM_LISTINGS), clock)


def _outcome(plugin: Plugin, body: bytes, verb: str) -> Any:
    """The answer as a client reads it; None where the connection is closed."""
    try:
        envelope = plugin.answer(plugin.read("/PRACTICE", verb, body))
    except PluginError as error:
        envelope = {"error": str(error)}
    except PluginCrash:
        return None
    return json.loads(json_text(envelope))


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    method=st.sampled_from([*KINDS, *(f"__api_{path}" for path in _PATHS), "nothing"]),
    params=st.dictionaries(st.sampled_from(_NAMES), _VALUES),
    verb=st.sampled_from(["GET", "POST"]),
    better=st.booleans(),
)
def test_any_parameters_are_answered_refused_or_end_the_connection(
    method: str, params: dict[str, Any], verb: str, better: bool
) -> None:
    exchange = _exchange()
    plugin = Plugin(exchange, Behaviour(better=better, extras=True, futures=True))
    key = exchange.keys[0].row()
    body = json.dumps(
        {
            "access_key": key["access_key"],
            "secret_key": key["secret_key"],
            "method": method,
            "params": params,
        }
    )
    outcome = _outcome(plugin, body.encode(), verb)
    if outcome is None:
        assert not better
    elif "error" in outcome:
        assert isinstance(outcome["error"], str)
    else:
        assert "data" in outcome


@pytest.mark.parametrize(
    "change",
    [
        {"secret_key": None}, {"secret_key": "\ud800,x"}, {"secret_key": "none"}, {"access_key": 5},
        {"method": 5}, {"method": ["ticker"]}, {"params": []}, {"params": None}, {"params": "{}"},
    ],
)  # fmt: skip
def test_an_odd_envelope_is_an_error_of_the_better_kind_and_the_end_of_the_reference(
    change: dict[str, Any],
) -> None:
    exchange = _exchange()
    row = exchange.keys[0].row()
    envelope = {
        "access_key": row["access_key"], "secret_key": row["secret_key"], "method": "accounts", "params": {},
        **change,
    }  # fmt: skip
    body = json.dumps(envelope).encode()
    assert set(_outcome(Plugin(exchange, Behaviour(better=True)), body, "GET")) == {"error"}
    reference = _outcome(Plugin(exchange, Behaviour()), body, "GET")
    assert reference is None or "50113" in reference["error"]


@pytest.mark.parametrize("body", [b"5", b"[]", b'"x"', b"null", b"{}", b'{"access_key":"a"}'])
def test_json_that_is_no_envelope_lacks_its_keys(body: bytes) -> None:
    plugin = Plugin(_exchange(), Behaviour())
    assert _outcome(plugin, body, "GET") == {"error": "missing required parameters"}


def test_a_body_that_is_no_json_comes_back_as_the_error() -> None:
    assert _outcome(Plugin(_exchange(), Behaviour()), b"a=1&b=\xc3\xa4", "GET") == {"error": "a=1&b=ä"}
    assert _outcome(Plugin(_exchange(), Behaviour()), b"\xff\xfe", "GET") is None
