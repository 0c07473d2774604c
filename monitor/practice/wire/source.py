"""The engine as a Source: finds the route, asks the door, calls the handler, adds the limit headers."""

from __future__ import annotations

from monitor.practice.call import NO_SUCH_PATH, Call, Reply
from monitor.practice.engine.accounts import Account
from monitor.practice.engine.exchange import PracticeExchange
from monitor.practice.engine.refusal import Refused
from monitor.practice.wire.binance_door import BinanceWire
from monitor.practice.wire.bybit_door import BybitWire
from monitor.practice.wire.okx_door import OkxWire
from monitor.practice.wire.route import Denied, Request, Wire


class EngineSource:
    """All three wires over one engine. ``limits=False``: nobody is ever told to slow down."""

    def __init__(self, exchange: PracticeExchange, *, limits: bool = True) -> None:
        self.exchange = exchange
        self.limits = limits
        self.wires: dict[str, Wire] = {wire.exchange: wire for wire in (BinanceWire(), BybitWire(), OkxWire())}

    def account_of(self, call: Call) -> Account | None:
        """Whose key the request names, with that key's rights; None for none or an unknown one."""
        key = call.api_key
        mine = (account for account in self.exchange.accounts.values() if account.exchange == call.exchange)
        return next((seen for account in mine if key and (seen := account.seen_with(key))), None)

    def answer(self, call: Call) -> Reply:
        """The answer to one request."""
        wire = self.wires.get(call.exchange or "")
        route = wire.routes.get((call.method, call.path)) if wire else None
        if wire is None or route is None:
            return NO_SUCH_PATH
        account = self.account_of(call)
        refusal, headers = wire.limit(call, route, account) if self.limits else (None, {})
        if refusal is None and route.signed:
            refusal = wire.verify(call, account, writes=route.writes)
        reply = refusal or self._handled(wire, call, account)
        return Reply(body=reply.body, status=reply.status, content_type=reply.content_type, headers={**headers, **reply.headers})

    def _handled(self, wire: Wire, call: Call, account: Account | None) -> Reply:
        route = wire.routes[call.method, call.path]
        request = Request(exchange=self.exchange, caller=account, params=call.params, at=call.at)
        try:
            body = route.handler(request)
        except Refused as refused:
            return wire.refuse(refused, call.at)
        except Denied as denied:
            return denied.reply
        return body if isinstance(body, Reply) else Reply(body=body)
