"""Sentiment and suggestions are asked for while somebody looks, and of every new connection."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from terminal.core.observe import Observable
from terminal.domain.instrument import InstrumentId
from terminal.domain.market import Side
from terminal.services.session import SessionState
from terminal.services.venue_talk import VenueTalk
from terminal.venues.base import Sentiment, VenueSignal

EUR = InstrumentId("house", "EUR/USD OTC")
SIGNAL = VenueSignal(Side.BUY, 60, 5)


class TalkingConnector:
    """Writes down what it is asked for."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.told = {EUR.symbol: Sentiment(Decimal(63), 7)}

    def follow_sentiment(self, symbol: str) -> None:
        self.asked.append(f"+{symbol}")

    def unfollow_sentiment(self, symbol: str) -> None:
        self.asked.append(f"-{symbol}")

    def sentiment(self, symbol: str) -> Sentiment | None:
        return self.told.get(symbol)

    def follow_signals(self) -> None:
        self.asked.append("+signals")

    def unfollow_signals(self) -> None:
        self.asked.append("-signals")

    def signals(self) -> Mapping[str, VenueSignal]:
        return {EUR.symbol: SIGNAL}


class TalkingSession:
    def __init__(self, connector: object) -> None:
        self.connector = connector
        self.state = SessionState.LIVE


class TalkingSessions:
    def __init__(self, connector: object) -> None:
        self.changed: Observable[[str]] = Observable("talking sessions")
        self.sessions: dict[str, TalkingSession] = {"house": TalkingSession(connector)}


def test_the_first_watcher_asks_and_the_last_one_ends_it() -> None:
    connector = TalkingConnector()
    talk = VenueTalk(TalkingSessions(connector))
    assert connector.asked == []
    first, second = talk.watch_sentiment(EUR), talk.watch_sentiment(EUR)
    assert connector.asked == ["+EUR/USD OTC"]
    assert talk.sentiment(EUR) == Sentiment(Decimal(63), 7)
    first()
    first()
    assert connector.asked == ["+EUR/USD OTC"], "one watcher counts once"
    second()
    assert connector.asked == ["+EUR/USD OTC", "-EUR/USD OTC"]
    one, two = talk.watch_signals("house"), talk.watch_signals("house")
    assert talk.signals("house") == {EUR.symbol: SIGNAL}
    one()
    two()
    assert connector.asked[2:] == ["+signals", "-signals"]


def test_another_connection_is_asked_for_what_is_watched() -> None:
    sessions = TalkingSessions(TalkingConnector())
    talk = VenueTalk(sessions)
    release = talk.watch_sentiment(EUR)
    talk.watch_signals("house")
    new = TalkingConnector()
    sessions.sessions["house"] = TalkingSession(new)
    sessions.changed.notify("house")
    sessions.changed.notify("house")
    assert new.asked == ["+EUR/USD OTC", "+signals"]
    release()
    assert new.asked[2:] == ["-EUR/USD OTC"]
    del sessions.sessions["house"]
    sessions.changed.notify("house")
    assert not talk.is_live("house")
    assert not talk.has_signals("house")


def test_a_venue_that_says_nothing_is_asked_nothing() -> None:
    talk = VenueTalk(TalkingSessions(object()))
    assert not talk.has_signals("house")
    release, leave = talk.watch_sentiment(EUR), talk.watch_signals("house")
    assert talk.sentiment(EUR) is None
    assert talk.signals("house") == {}
    assert talk.is_live("house")
    release()
    leave()
