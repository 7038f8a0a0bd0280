"""Messages as a newer, an older or a broken server would send them: what a client must live with."""

from __future__ import annotations

from typing import Final

from google.protobuf.message import Message

from terminal.emulators.ctrader.wire import envelope, varint
from terminal.emulators.faults import Faults

UNKNOWN_PAYLOAD_TYPE: Final = 2999
_NEWER: Final = {"ProtoOADeal": 19, "ProtoOATrader": 23, "ProtoOASymbol": 41}
"""Numbers of fields that live servers send and the published files lack."""
_UNKNOWN_ENUM: Final = 99


def mangled(
    message: Message, payload_type: int, client_msg_id: str | None, subject: str, faults: Faults
) -> list[bytes] | None:
    """The frames to send instead of the message; None where no fault waits for it."""
    fault = faults.take("unknown_payload", subject)
    if fault is not None:
        return [
            envelope(int(fault.number("payload_type", UNKNOWN_PAYLOAD_TYPE)), b"\x08\x01\x12\x03new"),
            envelope(payload_type, message.SerializeToString(), client_msg_id),
        ]
    if faults.take("absent_payload", subject) is not None:
        return [envelope(payload_type, None, client_msg_id)]
    if faults.take("empty_payload", subject) is not None:
        return [envelope(payload_type, b"", client_msg_id)]
    if faults.take("bad_payload", subject) is not None:
        # A length that promises more than there is.
        return [envelope(payload_type, message.SerializeToString() + b"\x7a\x7f\x00", client_msg_id)]
    fault = faults.take("unknown_fields", subject)
    if fault is not None:
        changed = type(message)()
        changed.CopyFrom(message)
        _add_unknown(changed)
        return [envelope(payload_type, changed.SerializeToString(), client_msg_id)]
    fault = faults.take("unknown_enum", subject)
    if fault is not None:
        field = message.DESCRIPTOR.fields_by_name.get(fault.text("field", "executionType"))
        if field is not None:
            changed = type(message)()
            changed.CopyFrom(message)
            changed.ClearField(field.name)
            extra = varint(field.number << 3) + varint(int(fault.number("value", _UNKNOWN_ENUM)))
            return [envelope(payload_type, changed.SerializePartialToString() + extra, client_msg_id)]
    fault = faults.take("foreign_id", subject)
    if fault is not None:
        return [envelope(payload_type, message.SerializeToString(), fault.text("id", "another-client-1"))]
    return None


def _add_unknown(message: Message) -> None:
    """A field that no published file has, in the message and in everything inside it."""
    number = _NEWER.get(message.DESCRIPTOR.name, 900)
    message.MergeFromString(varint(number << 3) + b"\x05" + varint(901 << 3 | 2) + b"\x03new")
    for field, value in message.ListFields():
        if field.message_type is None:
            continue
        for inner in value if field.is_repeated else [value]:
            _add_unknown(inner)
