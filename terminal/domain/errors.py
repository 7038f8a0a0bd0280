"""What can go wrong, as one tree.

::

    TerminalError                     .user_text: a short sentence for the screen; str(): detail for the log
      SettingsError                   a setting or file of ours cannot be used
      CredentialError                 a key is missing, the keyring is locked, or the venue refused the key
      StorageError                    the disk did not take what had to be kept
      OrderRefused(.rule)             our own check said no; nothing was sent
      Unsupported(.capability)        the venue cannot do this
      VenueError                      .venue .code .venue_text
        NotSent                       it failed before the first byte left: the venue knows nothing of it
        VenueUnavailable              the venue cannot be reached or says that it is down
          RateLimited(.retry_after_s) the venue (or our own budget for it) says: too fast
        AuthRejected                  key, signature or permission refused
        RequestRejected               a well-formed no, in the venue's own words
        OutcomeUnknown                sent, not answered: nobody here knows what became of it
        ProtocolViolation             unreadable or impossible; .frame, scrubbed and short
        BookOutOfSync                 sequence or checksum; the cure is a new snapshot
"""

from __future__ import annotations

from decimal import Decimal


class TerminalError(Exception):
    """Anything that the terminal itself raises.

    ``user_text`` is one plain sentence with what to do; the exception's own text is the detail for the log.
    """

    default_text = "Something went wrong. The log has the detail."

    def __init__(self, detail: str = "", *, user_text: str | None = None) -> None:
        self.user_text = user_text or detail or self.default_text
        super().__init__(detail or self.user_text)


class SettingsError(TerminalError):
    """A setting or a file of ours cannot be used."""


class CredentialError(TerminalError):
    """A key is missing, the keyring is locked or absent, or the venue refused the key."""


class StorageError(TerminalError):
    """The disk did not take what had to be kept (full, read-only, failing)."""

    default_text = "The disk did not take the record. Free some space and try again."


class OrderRefused(TerminalError):
    """Our own check said no before anything was sent. ``rule`` names the check."""

    def __init__(
        self,
        rule: str,
        user_text: str,
        *,
        field: str | None = None,
        confirmable: bool = False,
        figure: Decimal | None = None,
    ) -> None:
        super().__init__(f"{rule}: {user_text}", user_text=user_text)
        self.rule = rule
        self.figure = figure
        """The measured number, where the rule is about one: larger is worse."""
        self.field = field
        """The form field the message belongs beside, if it belongs beside one."""
        self.confirmable = confirmable
        """True where the person may say "send anyway" (the rule is set to *ask*)."""

    @property
    def token(self) -> str:
        """What a "send anyway" consents to: the rule, and the figure that was shown."""
        return self.rule if self.figure is None else f"{self.rule}@{self.figure}"


class Unsupported(TerminalError):
    """The venue cannot do this."""

    def __init__(self, capability: str, user_text: str) -> None:
        super().__init__(f"unsupported: {capability}", user_text=user_text)
        self.capability = capability


class VenueError(TerminalError):
    """Something between us and a venue.

    ``code`` is the venue's own code (``"EOrder:Insufficient funds"``), ``venue_text`` its own words.
    """

    def __init__(
        self,
        venue: str,
        detail: str = "",
        *,
        code: str = "",
        venue_text: str = "",
        user_text: str | None = None,
        repair: str = "",
    ) -> None:
        super().__init__(detail or venue_text or code, user_text=user_text)
        self.venue = venue
        self.code = code
        self.venue_text = venue_text
        self.repair = repair
        """A one-click repair by name (``"round_to_step"``, ``"open_key_page"``), or ""."""


class NotSent(VenueError):
    """It failed before the first byte left, so the venue knows nothing of it."""

    default_text = "Not sent: the connection is down. Try again when it is live."


class VenueUnavailable(VenueError):
    """The venue cannot be reached, or says that it is down."""

    default_text = "The venue cannot be reached. The terminal keeps trying."


class RateLimited(VenueUnavailable):
    """Too fast, by the venue's count or by our own budget for it."""

    default_text = "The venue asks for a pause."

    def __init__(
        self, venue: str, detail: str = "", *, retry_after_s: float | None = None, **rest: str
    ) -> None:
        super().__init__(venue, detail, **rest)
        self.retry_after_s = retry_after_s


class AuthRejected(VenueError):
    """Key, signature, nonce or permission refused."""

    default_text = "The venue refused the key. Check it in Connections."


class RequestRejected(VenueError):
    """A well-formed no from the venue, in its own words."""


class OutcomeUnknown(VenueError):
    """Sent, not answered (timeout, reset, 5xx, unreadable answer). A timeout is not a rejection."""

    default_text = "No answer from the venue: checking whether it arrived."


class ProtocolViolation(VenueError):
    """Unreadable or impossible. ``frame`` holds the first part of it, scrubbed."""

    def __init__(self, venue: str, detail: str = "", *, frame: str = "", **rest: str) -> None:
        super().__init__(venue, detail, **rest)
        self.frame = frame[:200]


class BookOutOfSync(VenueError):
    """A sequence gap, a wrong checksum or a crossed book; the cure is a new snapshot."""
