"""The practice cTrader for tests: its sign-in pages as a browser walks them, and its own word of an account
in the terms of :class:`tests.practice.Told`."""

from __future__ import annotations

import re
import ssl
import time
from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Final
from urllib.parse import parse_qs, urlencode, urlsplit

import httpx

from terminal.core.secret import Secret
from terminal.venues.base import ConnectorSettings
from tests.practice import Practice, Told

D = Decimal
ENDPOINTS: Final = ("demo", "live", "authorize", "token", "redirect", "ca")
GRANT: Final = ("access_token", "refresh_token", "expires_ns", "scope")
HEDGED, NETTED = "5120001", "5120002"
_RIGHTS: Final = {"close-only": 1, "no-trading": 2}
"""``ProtoOAAccessRights`` of the account behind a sign-in."""
_STATES: Final = {
    "ORDER_STATUS_ACCEPTED": "OPEN",
    "ORDER_STATUS_FILLED": "FILLED",
    "ORDER_STATUS_REJECTED": "REJECTED",
    "ORDER_STATUS_EXPIRED": "EXPIRED",
    "ORDER_STATUS_CANCELLED": "CANCELED",
}
_PENDING: Final = frozenset({"LIMIT", "STOP", "STOP_LIMIT"})
_LIVELY: Final = 4.0


def walk(url: str, ca_file: str, *, allows: bool = True) -> str:
    """Go through the practice sign-in pages as a browser does; the address that they lead back to."""
    with httpx.Client(verify=ssl.create_default_context(cafile=ca_file)) as client:
        page = client.get(url)
        assert page.status_code == 200, page.text
        site = f"{urlsplit(url).scheme}://{urlsplit(url).netloc}"
        visit = re.findall(r'name="visit" value="([^"]+)"', page.text)[0]
        page = client.post(f"{site}/practice/login", data={"visit": visit})
        accounts = re.findall(r'name="account" value="(\d+)"', page.text)
        form = {"visit": visit, "account": accounts, "answer": "allow" if allows else "deny"}
        back = client.post(f"{site}/practice/consent", data=form)
        assert back.status_code == 302, back.text
        return back.headers["location"]


def sign_in_by_http(entry: Mapping[str, Any], scope: str = "trading") -> dict[str, str]:
    """A sign-in of its own at the practice venue: tokens as the endpoints file names them."""
    asked = {"client_id": entry["client_id"], "redirect_uri": entry["redirect"], "scope": scope}
    answer = walk(f"{entry['authorize']}?{urlencode(asked)}", entry["ca"])
    (code,) = parse_qs(urlsplit(answer).query)["code"]
    told = exchange(entry, code)
    assert not told["errorCode"], told
    return {
        "access_token": told["accessToken"],
        "refresh_token": told["refreshToken"],
        "expires_ns": str(time.time_ns() + told["expiresIn"] * 1_000_000_000),
        "scope": scope,
    }


def exchange(entry: Mapping[str, Any], code: str) -> dict[str, Any]:
    """What the token endpoint says to a code."""
    query = {
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": entry["redirect"],
        "client_id": entry["client_id"],
        "client_secret": entry["client_secret"],
    }
    with httpx.Client(verify=ssl.create_default_context(cafile=entry["ca"])) as client:
        told: dict[str, Any] = client.get(entry["token"], params=query).json()
    return told


class CtraderPractice(Practice):
    """A child process with the practice cTrader. Its "keys" are sign-ins: ``practice`` (a hedged account in
    dollars), ``second`` (netted, in euros), ``view-only``, and ``close-only`` and ``no-trading``, where the
    broker limits what the account may do."""

    main_account = HEDGED
    accounts = (HEDGED, NETTED)

    def __init__(self) -> None:
        super().__init__("ctrader")
        self._grants: dict[str, dict[str, str]] = {}

    def account_of(self, key: str | None) -> str:
        return NETTED if key == "second" else HEDGED

    def label_of(self, key: str) -> str:
        """The number that a person knows the account by."""
        return self.account_of(key).replace("512", "312", 1)

    def settings(self, key: str | None = "practice", **options: str) -> ConnectorSettings:
        """What a connector is built with; without a key, the application alone."""
        credentials = {name: self.entry[name] for name in ("client_id", "client_secret")}
        if key is not None:
            credentials |= self.grant("accounts" if key == "view-only" else "trading")
            if key in _RIGHTS:
                terms = {"access_rights": _RIGHTS[key]}
                self.command("account", {"account": HEDGED, "terms": terms})
            options.setdefault("accounts", self.account_of(key))
        return ConnectorSettings(
            {name: self.entry[name] for name in ENDPOINTS},
            {name: Secret(value) for name, value in credentials.items()},
            options,
        )

    def walk(self, url: str, *, allows: bool = True) -> str:
        return walk(url, self.entry["ca"], allows=allows)

    def grant(self, scope: str = "trading") -> dict[str, str]:
        """Tokens that are good now."""
        if scope not in self._grants:
            self._grants[scope] = sign_in_by_http(self.entry, scope)
        return dict(self._grants[scope])

    def revoke(self) -> None:
        """The person takes back what was allowed: all tokens are void."""
        self.command("fault", {"kind": "revoke_token"})
        self._grants.clear()

    def renew(self) -> None:
        """As at the start: no faults, first balances, full rights, empty windows, an even market."""
        self.command("clear")
        self.command("rate", {"rate": _LIVELY})
        self.command("limits", {"strict_windows": True})
        self.command("reset")
        self._struck_before = self.command("stats")["struck"]

    # -- what happens at the venue ----------------------------------------------------------------------

    async def cut(self) -> None:
        await self.fault("cut", match="connect/ctrader*")

    async def deny_questions(self) -> None:
        await self.fault("error", match="ctrader/read/ReconcileReq", error="CANT_ROUTE_REQUEST", count=9)

    async def spoil_private(self) -> None:
        """The second of the next events of orders cannot be read; the first answers whoever placed it."""
        await self.fault("bad_payload", match="ctrader/*/ExecutionEvent", after=1)

    async def stir(self, symbol: str) -> None:
        await self.order("rate", rate=40.0)

    async def freeze(self) -> None:
        await self.order("rate", rate=0.0)

    async def shock(self, symbol: str, percent: float) -> None:
        await self.order("shock", symbol=symbol.replace("/", ""), percent=percent)

    async def reach(self, symbol: str, price: Decimal) -> None:
        """The price of ``reach`` is near: the market goes a tenth of a per cent up."""
        await self.shock(symbol, 0.1)

    # -- what the venue says ----------------------------------------------------------------------------

    async def told(self, account: str = HEDGED) -> Told:
        """What the venue itself has noted."""
        row = (await self.order("record", account=account))["ctrader"]
        windows = (await self.stats())["windows"]
        # Protective orders are the venue's own affair until they fill.
        orders = [each for each in _listed(row) if each["orderType"] != "STOP_LOSS_TAKE_PROFIT"]
        return Told(
            requests=[
                {"method": each["method"], "cl_ord_ids": [each["clientOrderId"]] if "label" in each else []}
                for each in row["requests"]
                if str(each["ctidTraderAccountId"]) == account
            ],
            orders=[_order(each) for each in orders],
            fills=[_fill(each) for each in row["deals"].get("deal", ())],
            balances={},
            rest_counters={name: float(used) for name, used in windows.items()},
            order_counters={},
            positions={
                each["positionId"]: D(each["tradeData"]["volume"]) / 100
                for each in row["now"].get("position", ())
            },
            money=D(row["trader"]["trader"]["balance"]) / 100,
        )


def _listed(row: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Every order once, as the list of orders and the state of the account have it."""
    found = {each["orderId"]: each for each in row["orders"].get("order", ())}
    found |= {each["orderId"]: each for each in row["now"].get("order", ())}
    return list(found.values())


def _order(row: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "txid": row["orderId"],
        "cl_ord_id": row.get("clientOrderId"),
        "status": _STATES[row["orderStatus"]],
        "open": row["orderStatus"] == "ORDER_STATUS_ACCEPTED" and row["orderType"] in _PENDING,
        "quantity": D(row["tradeData"]["volume"]) / 100,
        "filled": D(row.get("executedVolume", 0)) / 100,
    }


def _fill(row: Mapping[str, Any]) -> dict[str, Any]:
    closing = row.get("closePositionDetail", {})
    cents = -int(row.get("commission", 0)) - int(closing.get("pnlConversionFee", 0))
    return {
        "exec_id": row["dealId"],
        "txid": row["orderId"],
        "side": row["tradeSide"].lower(),
        "price": repr(row["executionPrice"]),
        "quantity": D(row["filledVolume"]) / 100,
        "fee": D(cents) / 100,
        "fee_asset": "USD",
    }
