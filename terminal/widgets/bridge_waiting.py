"""Orders of bots that wait for a click: cards in the bridge's panel and over the chart of the window.

A card comes at any moment and takes no focus, whatever the person is typing into. Over the chart it takes no
key at all; in the panel its buttons can be walked to.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from PySide6.QtCore import QEvent, QObject, QRect, Qt
from PySide6.QtWidgets import (
    QApplication,
    QFrame,
    QHBoxLayout,
    QLabel,
    QProgressBar,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from terminal.viewmodels.bridge import BridgeViewModel, WaitingRow
from terminal.widgets import theme
from terminal.widgets.controls import label, set_text, set_tone

_WIDTH = 560
_MARGIN = 12
_STEPS = 1000


class WaitingCard(QFrame):
    """One order with its two answers and its time."""

    def __init__(
        self, row: WaitingRow, vm: BridgeViewModel, parent: QWidget | None = None, *, by_key: bool = False
    ) -> None:
        super().__init__(parent)
        self.number = row.number
        self._focus = Qt.FocusPolicy.TabFocus if by_key else Qt.FocusPolicy.NoFocus
        self.setProperty("kind", "toast")
        self.setProperty("level", "error" if row.is_live else "warning")
        self.setAccessibleName(f"Bot {row.bot} asks: {row.what}, {row.where}")
        box = QVBoxLayout(self)
        box.setContentsMargins(10, 8, 10, 8)
        box.setSpacing(6)
        line = QHBoxLayout()
        line.setSpacing(8)
        texts = QVBoxLayout()
        texts.setSpacing(2)
        self.what = label(row.what, kind="title")
        self.what.setWordWrap(True)
        texts.addWidget(self.what)
        self.where: QLabel = label(f"{row.bot} · {row.where}")
        self.where.setWordWrap(True)
        set_tone(self.where, "danger" if row.is_live else "muted")
        texts.addWidget(self.where)
        line.addLayout(texts, 1)
        self.left = label(kind="label")
        self.left.setFont(theme.mono_font(theme.TABLE_PX))
        self.left.setFixedWidth(36)
        self.left.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        line.addWidget(self.left)
        self.refuse = self._button("Refuse", "action", f"Refuse what {row.bot} asks")
        self.refuse.clicked.connect(partial(vm.refuse, row.number))
        line.addWidget(self.refuse)
        self.accept = self._button("Accept", "primary", f"Send what {row.bot} asks to the venue")
        self.accept.clicked.connect(partial(vm.accept, row.number))
        line.addWidget(self.accept)
        box.addLayout(line)
        self.time = QProgressBar()
        self.time.setRange(0, _STEPS)
        self.time.setTextVisible(False)
        self.time.setFixedHeight(3)
        self.time.setAccessibleName("Time that is left")
        box.addWidget(self.time)
        self.show_row(row)

    def _button(self, text: str, kind: str, name: str) -> QPushButton:
        button = QPushButton(text)
        button.setProperty("kind", kind)
        button.setAutoDefault(False)
        button.setFocusPolicy(self._focus)
        button.setAccessibleName(name)
        button.setToolTip(name)
        return button

    def show_row(self, row: WaitingRow) -> None:
        """Count down."""
        set_text(self.left, row.left)
        self.time.setValue(round(row.share * _STEPS))
        self.accept.setEnabled(row.is_ready)


class WaitingCards(QWidget):
    """The cards, one under the other, oldest first."""

    def __init__(self, vm: BridgeViewModel, parent: QWidget | None = None, *, by_key: bool = False) -> None:
        super().__init__(parent)
        self._vm = vm
        self._by_key = by_key
        self.cards: list[WaitingCard] = []
        self._box = QVBoxLayout(self)
        self._box.setContentsMargins(0, 0, 0, 0)
        self._box.setSpacing(6)
        vm.waited.connect(self._render)
        self._render()

    def _render(self) -> None:
        rows = {row.number: row for row in self._vm.waiting}
        for card in [card for card in self.cards if card.number not in rows]:
            self.cards.remove(card)
            self._box.removeWidget(card)
            card.hide()
            card.deleteLater()
        shown = {card.number for card in self.cards}
        for row in rows.values():
            if row.number not in shown:
                card = WaitingCard(row, self._vm, self, by_key=self._by_key)
                self.cards.append(card)
                self._box.addWidget(card)
        for card in self.cards:
            card.show_row(rows[card.number])
        self.setVisible(bool(self.cards))


class WaitingHost(QObject):
    """Shows the cards at the foot of a part of the window, and has its entry in the task bar light up.

    ``room`` gives that part; as of a toast, it must hold no button that sends or cancels.
    """

    def __init__(self, vm: BridgeViewModel, window: QWidget, room: Callable[[], QRect]) -> None:
        super().__init__(window)
        self._window = window
        self._room = room
        self._count = 0
        self.cards = WaitingCards(vm, window)
        vm.waited.connect(self.place)
        window.installEventFilter(self)
        self.place()

    def place(self) -> None:
        """Put the cards into their place; over whatever has come there meanwhile."""
        count = len(self.cards.cards)
        if count > self._count:
            QApplication.alert(self._window)
        if count != self._count or count:
            room = self._room()
            width = min(_WIDTH, room.width() - 2 * _MARGIN)
            self.cards.setFixedWidth(width)
            self.cards.adjustSize()
            x = room.left() + (room.width() - width) // 2
            self.cards.move(x, room.bottom() - self.cards.height() - _MARGIN)
            self.cards.raise_()
        self._count = count

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() is QEvent.Type.Resize:
            self.place()
        return False
