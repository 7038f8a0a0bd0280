"""How the practice cTrader says no."""

from __future__ import annotations

from typing import Literal

Carrier = Literal["50", "2132", "2142"]
"""The message that takes a refusal to the client: common layer, order error, or Open API error."""


class OpenApiError(Exception):
    """A refusal, in the venue's own code.

    Args:
        code: such as ``NOT_ENOUGH_MONEY`` (Open API 2.0, error codes).
        carrier: 2132 for orders and positions, 2142 for everything else, 50 for what is not Open API.
        retry_after: seconds until the payload type is open again; with BLOCKED_PAYLOAD_TYPE.
        maintenance_end_s: end of maintenance, seconds since 1970; the common layer tells milliseconds.
    """

    def __init__(
        self,
        code: str,
        description: str = "",
        *,
        order_id: int | None = None,
        position_id: int | None = None,
        carrier: Carrier = "2142",
        retry_after: int | None = None,
        maintenance_end_s: int | None = None,
    ) -> None:
        super().__init__(f"{code}: {description}" if description else code)
        self.code = code
        self.description = description
        self.order_id = order_id
        self.position_id = position_id
        self.carrier: Carrier = carrier
        self.retry_after = retry_after
        self.maintenance_end_s = maintenance_end_s
