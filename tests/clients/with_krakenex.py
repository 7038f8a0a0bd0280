"""krakenex: every REST call a person's script makes, in Kraken's own words and shapes."""

from __future__ import annotations

import itertools
import time
import uuid
from typing import Any

import krakenex

from tests.clients.report import Addresses, Report

PAIR_ID = "XXBTZUSD"


def main() -> None:
    addresses = Addresses.of_command_line()
    report = Report("krakenex")
    client = Client(addresses.key, addresses.secret)
    client.uri = addresses.rest
    public(report, client)
    account(report, client)
    addresses.forgive()
    orders(report, client)
    addresses.forgive()
    fills(report, client)
    errors(report, client, addresses)
    client.close()
    report.exit()


class Client(krakenex.API):  # type: ignore[misc]
    """Its nonce counts milliseconds, and a venue on this machine answers within one."""

    def query_private(self, *arguments: Any, **options: Any) -> Any:
        time.sleep(0.002)
        return super().query_private(*arguments, **options)


def result(answer: dict[str, Any]) -> Any:
    assert answer["error"] == [], answer["error"]
    return answer["result"]


def public(report: Report, client: Any) -> None:
    def ask(name: str, **data: Any) -> Any:
        return result(client.query_public(name, data))

    with report.check("server time and status"):
        assert abs(ask("Time")["unixtime"] - time.time()) < 5
        assert ask("SystemStatus")["status"] == "online"
    with report.check("assets and pairs"):
        assert ask("Assets", asset="XBT,USD")["XXBT"]["altname"] == "XBT"
        pair = ask("AssetPairs", pair="XBTUSD")[PAIR_ID]
        assert (pair["wsname"], pair["pair_decimals"], pair["lot_decimals"]) == ("XBT/USD", 1, 8)
        assert len(ask("AssetPairs")) >= 10
    with report.check("ticker"):
        row = ask("Ticker", pair="XBTUSD")[PAIR_ID]
        assert 0 < float(row["b"][0]) < float(row["a"][0])
        assert float(row["l"][1]) <= float(row["c"][0]) <= float(row["h"][1])
        assert len(ask("Ticker")) >= 10
    with report.check("ohlc at every interval, 720 committed rows or all there are"):
        for minutes in (1, 5, 15, 30, 60, 240, 1440, 10080, 21600):
            answer = ask("OHLC", pair=PAIR_ID, interval=minutes)
            rows = answer[PAIR_ID]
            assert len(rows) >= 200, (minutes, len(rows))
            assert all(b[0] - a[0] == minutes * 60 for a, b in itertools.pairwise(rows))
            assert answer["last"] == rows[-2][0]
    with report.check("depth"):
        book = ask("Depth", pair="XBTUSD", count=50)[PAIR_ID]
        bids, asks = book["bids"], book["asks"]
        assert len(bids) == len(asks) == 50
        assert [float(row[0]) for row in bids] == sorted((float(row[0]) for row in bids), reverse=True)
        assert float(bids[0][0]) < float(asks[0][0])
    with report.check("trades, continued from the last one"):
        first = ask("Trades", pair="XBTUSD", count=10)
        again = ask("Trades", pair="XBTUSD", since=first[PAIR_ID][0][2], count=5)
        assert again[PAIR_ID][0][6] in (first[PAIR_ID][0][6], first[PAIR_ID][1][6])
        assert int(first["last"]) > 10**18
        assert {row[3] for row in first[PAIR_ID]} <= {"b", "s"}
    with report.check("spread"):
        assert "last" in ask("Spread", pair="XBTUSD")


def account(report: Report, client: Any) -> None:
    def ask(name: str, **data: Any) -> Any:
        return result(client.query_private(name, data))

    with report.check("balances"):
        balance = ask("Balance")
        assert float(balance["ZUSD"]) > 0
        extended = ask("BalanceEx")
        assert extended["ZUSD"]["balance"] == balance["ZUSD"]
        assert float(ask("TradeBalance", asset="ZUSD")["eb"]) > 0
    with report.check("trade volume and fees"):
        volume = ask("TradeVolume", pair="XBTUSD")
        assert volume["currency"] == "ZUSD"
        assert float(volume["fees"][PAIR_ID]["fee"]) > 0
    with report.check("a token for the private stream"):
        token = ask("GetWebSocketsToken")
        assert token["token"]
        assert token["expires"] == 900


def orders(report: Report, client: Any) -> None:
    def ask(name: str, **data: Any) -> Any:
        return result(client.query_private(name, data))

    bid = float(client.query_public("Ticker", {"pair": "XBTUSD"})["result"][PAIR_ID]["b"][0])
    price, lower = f"{bid * 0.8:.1f}", f"{bid * 0.75:.1f}"
    terms = {"pair": "XBTUSD", "type": "buy", "ordertype": "limit", "volume": "0.01", "price": price}
    client_id = str(uuid.uuid4())
    order_id = ""
    with report.check("an order only checked"):
        answer = ask("AddOrder", **terms, validate="true")
        assert "txid" not in answer
        assert answer["descr"]["order"] == f"buy 0.01000000 XBTUSD @ limit {price}"
    with report.check("a limit order placed, found open, its money held"):
        (order_id,) = ask("AddOrder", **terms, cl_ord_id=client_id)["txid"]
        order = ask("OpenOrders", trades="true")["open"][order_id]
        assert (order["status"], order["cl_ord_id"], order["vol"]) == ("open", client_id, "0.01000000")
        assert list(ask("OpenOrders", cl_ord_id=client_id)["open"]) == [order_id]
        assert float(ask("BalanceEx")["ZUSD"]["hold_trade"]) > 0
    with report.check("amended in place"):
        assert ask("AmendOrder", cl_ord_id=client_id, limit_price=lower, order_qty="0.008")["amend_id"]
        order = ask("QueryOrders", txid=order_id)[order_id]
        assert (order["descr"]["price"], order["vol"]) == (lower, "0.00800000")
        kinds = [row["amend_type"] for row in ask("OrderAmends", order_id=order_id)["amends"]]
        assert kinds == ["original", "user"], kinds
    with report.check("cancelled, found closed"):
        assert ask("CancelOrder", txid=order_id)["count"] == 1
        assert order_id not in ask("OpenOrders")["open"]
        order = ask("ClosedOrders", cl_ord_id=client_id)["closed"][order_id]
        assert (order["status"], order["reason"]) == ("canceled", "User requested")
    with report.check("edited: a new order for the old one, then all cancelled"):
        (first,) = ask("AddOrder", **terms, userref=7)["txid"]
        edited = ask("EditOrder", pair="XBTUSD", txid=first, volume="0.02", price=lower)
        assert (edited["originaltxid"], edited["orders_cancelled"]) == (first, 1)
        assert list(ask("OpenOrders")["open"]) == [edited["txid"]]
        assert ask("CancelAll")["count"] == 1
    with report.check("the dead man's switch armed and disarmed"):
        assert ask("CancelAllOrdersAfter", timeout=60)["triggerTime"] != "0"
        assert ask("CancelAllOrdersAfter", timeout=0)["triggerTime"] == "0"


def fills(report: Report, client: Any) -> None:
    def ask(name: str, **data: Any) -> Any:
        return result(client.query_private(name, data))

    with report.check("a market order filled: trades history, ledger and balance agree"):
        before = float(ask("Balance")["XXBT"])
        (order_id,) = ask("AddOrder", pair="XBTUSD", type="buy", ordertype="market", volume="0.01")["txid"]
        order = ask("QueryOrders", txid=order_id, trades="true")[order_id]
        assert (order["status"], order["vol_exec"]) == ("closed", "0.01000000"), order
        history = ask("TradesHistory")["trades"]
        mine = {key: row for key, row in history.items() if row["ordertxid"] == order_id}
        assert set(mine) == set(order["trades"])
        assert abs(sum(float(row["vol"]) for row in mine.values()) - 0.01) < 1e-9
        assert set(ask("QueryTrades", txid=",".join(mine))) == set(mine)
        ledger = ask("Ledgers", type="trade")["ledger"]
        rows = [row for row in ledger.values() if row["refid"] in mine]
        assert {row["asset"] for row in rows} == {"XXBT", "ZUSD"}
        assert abs(float(ask("Balance")["XXBT"]) - before - 0.01) < 1e-9


def errors(report: Report, client: Any, addresses: Addresses) -> None:
    def code_of(client: Any, name: str, **data: Any) -> list[str]:
        errors: list[str] = client.query_private(name, data)["error"]
        return errors

    terms = {"pair": "XBTUSD", "type": "buy", "ordertype": "limit"}
    with report.check("refusals in Kraken's words"):
        assert code_of(client, "AddOrder", **terms, volume="0.000001", price="30000") == [
            "EOrder:Order minimum not met"
        ]
        assert code_of(client, "AddOrder", **terms, volume="100000", price="30000") == [
            "EOrder:Insufficient funds"
        ]
        assert code_of(client, "CancelOrder", txid="OAAAAA-AAAAA-AAAAAA") == ["EOrder:Unknown order"]
        assert code_of(client, "NoSuchCall") == ["EGeneral:Unknown method"]
    with report.check("a wrong secret and a wrong key"):
        stranger = Client(addresses.key, "kQH5HW/8p1uGOVjbgWA7FunAmGO8lsSUXNsu3eow76sz84Q18fWxnyRzBHCd3pd5")
        stranger.uri = addresses.rest
        assert code_of(stranger, "Balance") == ["EAPI:Invalid signature"]
        stranger.key = "nobody"
        assert code_of(stranger, "Balance") == ["EAPI:Invalid key"]


if __name__ == "__main__":
    main()
