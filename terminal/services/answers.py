"""What an answer of a venue proves: yes, no, nothing was sent, or nobody knows.

Only two things are certain after a failure: it failed before the first byte left, or the venue refused it in
well-formed words. Everything else is *in doubt*, and an order in doubt is never sent again.
"""

from __future__ import annotations

from enum import Enum
from typing import NamedTuple

from terminal.domain.errors import (
    AuthRejected,
    CredentialError,
    NotSent,
    OrderRefused,
    RateLimited,
    RequestRejected,
    TerminalError,
    Unsupported,
)


class AnswerKind(Enum):
    """What is certain after a call that failed."""

    NOT_SENT = "not sent"
    """The venue knows nothing of it."""
    REFUSED = "refused"
    """The venue's own no."""
    IN_DOUBT = "in doubt"


class Answer(NamedTuple):
    """The kind, and one sentence for the screen."""

    kind: AnswerKind
    text: str


def classify(error: BaseException) -> Answer:
    """What a failed submit, amend or cancel proves.

    A rate limit without a code is our own budget's, so nothing was sent; a bare HTTP status (three digits)
    was answered by some machine in front of the venue and proves nothing; any other code is the venue's no.
    """
    text = error.user_text if isinstance(error, TerminalError) else ""
    if isinstance(error, NotSent | Unsupported | OrderRefused | CredentialError):
        return Answer(AnswerKind.NOT_SENT, text)
    if isinstance(error, RateLimited):
        if not error.code and not error.venue_text:
            return Answer(AnswerKind.NOT_SENT, text)
        if error.code.isdigit() and len(error.code) == 3:
            return Answer(AnswerKind.IN_DOUBT, text)
        return Answer(AnswerKind.REFUSED, text)
    if isinstance(error, RequestRejected | AuthRejected):
        return Answer(AnswerKind.REFUSED, text)
    return Answer(AnswerKind.IN_DOUBT, text or f"No usable answer ({type(error).__name__}).")
