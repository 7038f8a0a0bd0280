"""The lower part of a ticket, which stays in sight: news, figures, the two big buttons or the question."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial

from PySide6.QtCore import Qt
from PySide6.QtGui import QKeySequence, QShortcut
from PySide6.QtWidgets import QHBoxLayout, QPushButton, QVBoxLayout, QWidget

from terminal.domain.market import Side
from terminal.viewmodels.sending import OrderSender
from terminal.viewmodels.ticket_button import SendButton
from terminal.widgets import theme
from terminal.widgets.controls import ElidedLabel, label, line, set_text
from terminal.widgets.request_card import RequestCard, ResultLine
from terminal.widgets.ticket_parts import BigButton

SHORT_PX = 540
"""Below this height a ticket is closer together and leaves out what is said elsewhere too: it fits a small
screen without scrolling."""
SIDE_PX = 8
_GAP_PX = 4
_SHORT_GAP_PX = 3
_SHORT_NEWS_PX = 20


class TicketFoot(QWidget):
    """What became of the order, its figures, the two big buttons, and whose money it is.

    A question takes the place of the buttons. They go before its card comes and come after it has gone: for a
    moment both would be shown, and the dock grow for good.

    Attributes:
        news: what became of the order, and what will be asked. The place is kept for it, above the figures:
            so neither these nor the buttons nor a neighbour move from under the pointer.
    """

    def __init__(
        self,
        sending: OrderSender,
        figures: QWidget,
        *,
        news_px: int,
        chosen: Callable[[], Side],
        keepers: Mapping[Side, QWidget],
    ) -> None:
        """``news_px``: the place that is kept for news, where there is height enough. ``chosen``: the side
        whose button gets the keyboard back after a question; ``keepers``: who has it for as long as the
        buttons are away, since Qt would hand it to whatever comes next."""
        super().__init__()
        self._sending, self._chosen, self._keepers = sending, chosen, keepers
        self._figures, self._whole_news_px = figures, news_px
        self._pressed_from: QPushButton | None = None
        self._box = QVBoxLayout(self)
        self.news = QWidget()
        box = QVBoxLayout(self.news)
        box.setContentsMargins(0, 0, 0, 0)
        box.setSpacing(2)
        box.addWidget(line())
        self.result = ResultLine(sending)
        box.addWidget(self.result)
        self.warning = label(kind="warning")
        self.warning.setFont(theme.ui_font(theme.LABEL_PX))
        self.warning.setWordWrap(True)
        box.addWidget(self.warning)
        box.addStretch(1)
        self._box.addWidget(self.news)
        self._box.addWidget(figures)
        self.buttons_row = QWidget()
        row = QHBoxLayout(self.buttons_row)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(8)
        self.buttons = {Side.BUY: BigButton("buy"), Side.SELL: BigButton("sell")}
        for button in self.buttons.values():
            row.addWidget(button, 1)
        self._box.addWidget(self.buttons_row)
        sending.changed.connect(self._make_room)
        self.card = RequestCard(sending)
        sending.changed.connect(self._take_room_back)
        sending.confirmation_needed.connect(self._on_sending_confirmation_needed)
        self._box.addWidget(self.card)
        self._note = ElidedLabel()
        self._note.setProperty("kind", "muted")
        self._note.setAlignment(Qt.AlignmentFlag.AlignHCenter)
        self._box.addWidget(self._note)
        self.set_short(False)

    def set_short(self, short: bool) -> None:
        """Closer together, or as usual."""
        self._news_px = _SHORT_NEWS_PX if short else self._whole_news_px
        self._box.setSpacing(_SHORT_GAP_PX if short else _GAP_PX)
        self._box.setContentsMargins(SIDE_PX, 1 if short else 4, SIDE_PX, 3 if short else 6)
        self.news.setMinimumHeight(self._news_px)
        for button in self.buttons.values():
            button.set_short(short)

    def show_lines(self, buttons: Mapping[Side, SendButton], news: Sequence[str], note: str) -> None:
        """The buttons' texts, what stands in the way or will be asked, and whose money it is."""
        for side, button in self.buttons.items():
            shown = buttons.get(side, SendButton("", ""))
            if button.hasFocus() and not shown.enabled:
                # Qt would hand the keyboard on to the other side's button.
                self._keepers[side].setFocus(Qt.FocusReason.OtherFocusReason)
            button.show_text(shown)
        set_text(self.warning, "\n".join(news))
        self.warning.setVisible(bool(news))
        set_text(self._note, note)
        self._note.setToolTip(note)

    def least_height(self, width: int, form_px: int) -> int:
        """What a dock may not go below, in px, at a width: the foot and a strip of the form. The layout would
        ask for the height that wrapped texts need in the narrowest column.

        It is the same with and without an answer, and while the one gives way to the other: a dock that has
        grown for a moment stays large. Only what is too long for the form's strip asks for more.
        """
        news = max(self._news_px, height_at(self.news, width - 2 * SIDE_PX)) + _GAP_PX
        height = self._height_with(width, self._figures, self.buttons_row)
        height += max(news, self._news_px + _GAP_PX + form_px)
        if self._sending.pending is not None and not self.card.isHidden():
            height = max(height, self._height_with(width, self.card))
        return height

    def fit_question(self, width: int, room: int) -> None:
        """A question names the figures itself: where less than their height is left, it stands for them."""
        pending = self._sending.pending is not None
        self._figures.setVisible(not pending or self._height_with(width, self._figures, self.card) <= room)

    def _height_with(self, width: int, *parts: QWidget) -> int:
        """How high it has to be at a width for these parts of it and its note."""
        sides = self._box.contentsMargins()
        room = width - sides.left() - sides.right()
        shown = [height_at(part, room) for part in (*parts, self._note)]
        return sides.top() + sum(self._box.spacing() + each for each in shown) + sides.bottom()

    def _make_room(self) -> None:
        if self._sending.pending is None:
            return
        side = self._chosen()
        if any(each.hasFocus() for each in self.buttons.values()):
            self._pressed_from = self.buttons[side]
            self._keepers[side].setFocus(Qt.FocusReason.OtherFocusReason)
        for part in (self.buttons_row, self.result, self.warning, self.news):
            part.hide()

    def _take_room_back(self) -> None:
        if self._sending.pending is not None:
            return
        self.news.show()
        self.buttons_row.show()
        if self._pressed_from is not None:
            button, self._pressed_from = self._pressed_from, None
            if button.isEnabled() and self._keepers[self._chosen()].hasFocus():
                button.setFocus(Qt.FocusReason.OtherFocusReason)

    def _on_sending_confirmation_needed(self) -> None:
        self.card.setFocus(Qt.FocusReason.OtherFocusReason)


def on_send_keys(panel: QWidget, sending: OrderSender, submit: Callable[[], object]) -> None:
    """Ctrl+Enter anywhere in a panel sends its form; while a question is open it does nothing, and a key that
    is held down sends once."""

    def send() -> None:
        if sending.pending is None:
            submit()

    for key in ("Ctrl+Return", "Ctrl+Enter"):
        _on_key(panel, key, send).setAutoRepeat(False)


def on_form_keys(panel: QWidget, choose: Callable[[Side], object], press: Callable[[int], object]) -> None:
    """Ctrl+Up and Ctrl+Down choose the side, Alt+1 to Alt+9 press a preset (from 0 on)."""
    _on_key(panel, "Ctrl+Up", partial(choose, Side.BUY))
    _on_key(panel, "Ctrl+Down", partial(choose, Side.SELL))
    for at in range(9):
        _on_key(panel, f"Alt+{at + 1}", partial(press, at))


def _on_key(panel: QWidget, key: str, fn: Callable[..., object]) -> QShortcut:
    shortcut = QShortcut(QKeySequence(key), panel)
    shortcut.setContext(Qt.ShortcutContext.WidgetWithChildrenShortcut)
    shortcut.activated.connect(fn)
    return shortcut


def height_at(widget: QWidget, width: int) -> int:
    """How high a widget has to be at a width, in px."""
    needed = widget.heightForWidth(width) if widget.hasHeightForWidth() else -1
    return needed if needed >= 0 else widget.minimumSizeHint().height()
