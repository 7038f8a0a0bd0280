"""Payloads of Kraken's reference, as its pages show them (REST and WebSocket v2, read 2026-08)."""

from __future__ import annotations

from terminal.venues.kraken.symbols import SymbolMap
from terminal.venues.kraken.wire import PairInfo

ASSET_PAIRS = (
    '{"XXBTZUSD":{"altname":"XBTUSD","wsname":"XBT/USD","aclass_base":"currency","base":"XXBT",'
    '"aclass_quote":"currency","quote":"ZUSD","lot":"unit","cost_decimals":5,"pair_decimals":1,'
    '"lot_decimals":8,"lot_multiplier":1,"leverage_buy":[2,3,4,5],"leverage_sell":[2,3,4,5],'
    '"fees":[[0,0.4],[10000,0.35],[50000,0.24]],"fees_maker":[[0,0.25],[10000,0.2],[50000,0.14]],'
    '"fee_volume_currency":"ZUSD","margin_call":80,"margin_stop":40,"ordermin":"0.00005","costmin":"0.5",'
    '"tick_size":"0.1","status":"online","long_position_limit":300,"short_position_limit":240,'
    '"execution_venue":"new key"}}'
)
TICKER_REST = (
    '{"XXBTZUSD":{"a":["105944.30000","1","1.000"],"b":["105944.20000","1","1.000"],'
    '"c":["105899.40000","0.00009443"],"v":["0.78648221","163.28908096"],"p":["105960.64756","105904.39279"],'
    '"t":[35,3276],"l":["105853.50000","104711.00000"],"h":["106112.00000","106613.10000"],"o":"106021.60000"}}'
)
ORDERS = (
    '{"OQCLML-BW3P3-BUCMWZ":{"refid":null,"userref":0,"cl_ord_id":"my-order-1","status":"open",'
    '"opentm":1688666559.8974,"starttm":0,"expiretm":0,"descr":{"pair":"XBTUSD","type":"buy",'
    '"ordertype":"limit","price":"30010.0","price2":"0","leverage":"none",'
    '"order":"buy 1.25000000 XBTUSD @ limit 30010.0","close":""},"vol":"1.25000000","vol_exec":"0.37500000",'
    '"cost":"11253.7","fee":"0.00000","price":"30010.0","stopprice":"0.00000","limitprice":"0.00000",'
    '"misc":"","oflags":"fciq","trades":["TCCCTY-WE2O6-P3NB37"]}}'
)
TRADES = (
    '{"TCCCTY-WE2O6-P3NB37":{"ordertxid":"OQCLML-BW3P3-BUCMWZ","postxid":"TKH2SE-M7IF5-CFI7LT",'
    '"pair":"XXBTZUSD","time":1688667796.8802,"type":"buy","ordertype":"limit","price":"30010.00000",'
    '"cost":"600.20000","fee":"0.96032","vol":"0.02000000","margin":"0.00000","leverage":"0","misc":"",'
    '"trade_id":39482674,"maker":true}}'
)
BALANCE_EX = (
    '{"ZUSD":{"balance":"25435.21","hold_trade":"8249.76"},"XXBT":{"balance":"1.2435","hold_trade":"0.8423"},'
    '"XETH":{"balance":"0.0000000000","hold_trade":"0.0000000000"}}'
)
TRADE_VOLUME = (
    '{"currency":"ZUSD","volume":"200709587.4223","fees":{"XXBTZUSD":{"fee":"0.1000","minfee":"0.1000",'
    '"maxfee":"0.4000","nextfee":null,"nextvolume":null,"tiervolume":"10000000.0000"}},'
    '"fees_maker":{"XXBTZUSD":{"fee":"0.0000","minfee":"0.0000","maxfee":"0.2500","nextfee":null,'
    '"nextvolume":null,"tiervolume":"10000000.0000"}}}'
)
TOKEN = '{"token":"1Dwc4lzSwNWOAwkMdqhssNNFhs1ed606d1WcF3XfEMw","expires":900}'

STATUS = (
    '{"channel":"status","type":"update","data":[{"api_version":"v2","connection_id":13834774380200032777,'
    '"system":"online","version":"2.0.10"}]}'
)
TICKER = (
    '{"channel":"ticker","type":"update","data":[{"symbol":"BTC/USD","bid":65843.7,"bid_qty":12.31628629,'
    '"ask":65843.8,"ask_qty":0.31232000,"last":65843.7,"volume":4182.59447976,"vwap":64223.4,"low":61325.4,'
    '"high":66450.0,"change":4213.8,"change_pct":6.84,"timestamp":"2024-05-19T16:45:24.204654Z"}]}'
)
BOOK_SNAPSHOT = (
    '{"channel":"book","type":"snapshot","data":[{"symbol":"BTC/USD","bids":[{"price":66788.0,'
    '"qty":3.21926649}],"asks":[{"price":66788.1,"qty":1.67939137}],"checksum":2330500275}]}'
)
BOOK_UPDATE = (
    '{"channel":"book","type":"update","data":[{"symbol":"BTC/USD","bids":[{"price":66786.5,"qty":0.00000000},'
    '{"price":66787.7,"qty":0.12440000}],"asks":[],"checksum":902440905,'
    '"timestamp":"2024-05-19T16:45:24.204654Z"}]}'
)
TRADE = (
    '{"channel":"trade","type":"update","data":[{"symbol":"BTC/USD","side":"buy","price":68500.0,'
    '"qty":0.01044926,"ord_type":"limit","trade_id":70635299,"timestamp":"2024-05-27T12:43:11.798009Z"}]}'
)
OHLC = (
    '{"channel":"ohlc","type":"update","timestamp":"2024-05-17T11:21:16.318303322Z","data":[{'
    '"symbol":"ETH/USD","open":3027.80,"high":3027.80,"low":3026.13,"close":3026.13,"trades":9,'
    '"volume":13.31603062,"vwap":3027.01,"interval_begin":"2024-05-17T11:12:00.000000000Z","interval":1,'
    '"timestamp":"2024-05-17T11:13:00.000000Z"}]}'
)
INSTRUMENTS = (
    '{"channel":"instrument","type":"snapshot","data":{"assets":[{"id":"ETH","status":"enabled","precision":10,'
    '"precision_display":5,"borrowable":true,"collateral_value":1.00,"margin_rate":0.020000}],'
    '"pairs":[{"symbol":"ETH/BTC","base":"ETH","quote":"BTC","status":"online","qty_precision":8,'
    '"qty_increment":0.00000001,"price_precision":5,"cost_precision":10,"marginable":true,"has_index":true,'
    '"cost_min":0.00002,"margin_initial":0.20,"position_limit_long":1000,"position_limit_short":600,'
    '"tick_size":0.00001,"price_increment":0.00001,"qty_min":0.00200000}]}}'
)
EXECUTIONS = (
    (
        '{"channel":"executions","type":"update","sequence":8,"data":[{"order_id":"OK4GJX-KSTLS-7DZZO5",'
        '"order_userref":3,"symbol":"BTC/USD","order_qty":0.005,"cum_cost":0.0,"time_in_force":"GTC",'
        '"exec_type":"pending_new","side":"sell","order_type":"limit","limit_price_type":"static",'
        '"limit_price":26500.0,"stop_price":0.0,"order_status":"pending_new","fee_usd_equiv":0.0,'
        '"fee_ccy_pref":"fciq","timestamp":"2023-09-22T10:33:05.709950Z"}]}'
    ),
    (
        '{"channel":"executions","type":"update","sequence":9,"data":[{"timestamp":"2023-09-22T10:33:05.709982Z",'
        '"order_status":"new","exec_type":"new","order_userref":3,"order_id":"OK4GJX-KSTLS-7DZZO5"}]}'
    ),
    (
        '{"channel":"executions","type":"update","sequence":10,"data":[{"order_id":"OK4GJX-KSTLS-7DZZO5",'
        '"order_userref":3,"exec_id":"TGBB7L-HT5LX-J3BZ4A","exec_type":"trade","trade_id":62887576,'
        '"symbol":"BTC/USD","side":"sell","last_qty":0.005,"last_price":26599.9,"liquidity_ind":"t",'
        '"cost":132.9995,"order_type":"limit","order_status":"partially_filled","cum_qty":0.005,'
        '"cum_cost":132.9995,"avg_price":26599.9,"fee_usd_equiv":0.3458,"fees":[{"asset":"USD","qty":0.3458}],'
        '"timestamp":"2023-09-22T10:33:05.709982Z"}]}'
    ),
    (
        '{"channel":"executions","type":"update","sequence":11,"data":[{"timestamp":"2023-09-22T10:33:05.709982Z",'
        '"order_status":"filled","exec_type":"filled","order_userref":3,"order_id":"OK4GJX-KSTLS-7DZZO5",'
        '"cum_qty":0.005,"cum_cost":132.9995,"avg_price":26599.9}]}'
    ),
)
EXECUTION_CANCELED = (
    '{"channel":"executions","type":"update","sequence":14,"data":[{"order_id":"OIBUY6-5UKLX-RAYVRF",'
    '"order_userref":0,"exec_type":"canceled","order_status":"canceled","cum_qty":0.0,"cum_cost":0.0,'
    '"avg_price":0.0,"fee_usd_equiv":0.0,"cancel_reason":"User requested","reason":"User requested",'
    '"timestamp":"2023-09-22T10:40:00.100000Z"}]}'
)
BALANCES_SNAPSHOT = (
    '{"channel":"balances","type":"snapshot","sequence":1,"data":[{"asset":"BTC","asset_class":"currency",'
    '"balance":1.2,"wallets":[{"type":"spot","id":"main","balance":1.2}]}]}'
)
BALANCES_UPDATE = (
    '{"channel":"balances","type":"update","sequence":2,"data":[{"ledger_id":"LZ4XCF-CDSJB-5MUKNT",'
    '"ref_id":"TGBB7L-HT5LX-J3BZ4A","timestamp":"2023-09-22T10:33:05.709993Z","type":"trade","asset":"BTC",'
    '"asset_class":"currency","category":"trade","wallet_type":"spot","wallet_id":"main","amount":-0.005,'
    '"fee":0.0,"balance":1.195}]}'
)


def known_symbols() -> SymbolMap:
    """BTC/USD under all its names, with Kraken's figures."""
    import msgspec

    found = SymbolMap()
    found.learn_pairs(msgspec.json.decode(ASSET_PAIRS, type=dict[str, PairInfo]))
    return found
