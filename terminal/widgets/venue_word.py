"""What the venue says of its own people, and what it suggests, in the contract form."""

from __future__ import annotations

from functools import partial
from typing import Final

from PySide6.QtCore import QRect, QSize, Qt
from PySide6.QtGui import QColor, QPainter, QPaintEvent
from PySide6.QtWidgets import QHBoxLayout, QMenu, QPushButton, QSizePolicy, QVBoxLayout, QWidget

from terminal.domain.market import Side
from terminal.viewmodels.contract_ticket import ContractTicketViewModel
from terminal.viewmodels.venue_word import Crowd, Suggestion
from terminal.widgets import theme
from terminal.widgets.controls import ElidedLabel, label, set_text, set_tone

_BAR_PX: Final = 5
_GAP_PX: Final = 2
_LINE_PX: Final = 15
"""Whatever its tone: grey words are smaller than others."""
_ARROWS: Final = {Side.BUY: "▲", Side.SELL: "▼"}
_TONES: Final = {Side.BUY: "up", Side.SELL: "down"}
_NOT_ADVICE: Final = (
    "The venue earns when contracts are bought, and does not say how often its signals were right.\n"
    "A signal is taken into the form by a click; nothing is sent."
)


class LeanBar(QWidget):
    """A thin bar: how many hold up contracts from the left, down ones from the right."""

    def __init__(self) -> None:
        super().__init__()
        self._up = 0.5
        self._is_stale = False
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    def show_share(self, up: float, *, is_stale: bool) -> None:
        """``up``: 0 to 1; grey where it is no longer proven."""
        if (up, is_stale) != (self._up, self._is_stale):
            self._up, self._is_stale = up, is_stale
            self.update()

    def sizeHint(self) -> QSize:
        return QSize(60, 14)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        top = (self.height() - _BAR_PX) // 2
        split = round((self.width() - _GAP_PX) * self._up)
        up, down = (theme.DISABLED, theme.HAIRLINE) if self._is_stale else (theme.UP, theme.DOWN)
        painter.fillRect(QRect(0, top, split, _BAR_PX), QColor(up))
        left = split + _GAP_PX
        painter.fillRect(QRect(left, top, self.width() - left, _BAR_PX), QColor(down))
        painter.end()


class CrowdRow(QWidget):
    """Which way the venue's own people lean: whose number it is, its age, and the bar with both numbers."""

    def __init__(self) -> None:
        super().__init__()
        box = QVBoxLayout(self)
        box.setContentsMargins(0, 0, 0, 0)
        box.setSpacing(0)
        head = QHBoxLayout()
        head.setSpacing(6)
        self.text = ElidedLabel()
        self.text.setProperty("kind", "label")
        self.age = label(kind="muted")
        self.age.setFont(theme.number_font(theme.LABEL_PX))
        head.addWidget(self.text, 1)
        head.addWidget(self.age)
        box.addLayout(head)
        row = QHBoxLayout()
        row.setSpacing(6)
        self.up, self.down = label(), label()
        self.bar = LeanBar()
        for each in (self.up, self.down):
            each.setFont(theme.number_font(theme.TABLE_PX))
            each.setFixedHeight(_LINE_PX)
        row.addWidget(self.up)
        row.addWidget(self.bar, 1)
        row.addWidget(self.down)
        box.addLayout(row)
        self.hide()

    def show_crowd(self, crowd: Crowd | None) -> None:
        """Absent until it is told; grey once it is too old to be believed."""
        self.setVisible(crowd is not None)
        if crowd is None:
            return
        if self.text.text() != crowd.text:
            self.text.setText(crowd.text)
            self.text.set_short(crowd.short_text)
        set_text(self.age, crowd.age_text)
        set_text(self.up, crowd.up_text)
        set_text(self.down, crowd.down_text)
        set_tone(self.up, "muted" if crowd.is_stale else "up")
        set_tone(self.down, "muted" if crowd.is_stale else "down")
        set_tone(self.age, "warning" if crowd.is_stale else "muted")
        self.bar.show_share(float(crowd.up_pct) / 100, is_stale=crowd.is_stale)
        tip = f"{crowd.text}.\nIts own count of its own clients on this asset; no market tells it."
        self.age.setToolTip(f"Told {crowd.age_text} ago")
        if self.toolTip() != tip:
            self.setToolTip(tip)
        self.setAccessibleName(f"{crowd.text}, {crowd.down_text}, told {crowd.age_text} ago")


class SuggestionRows(QWidget):
    """The venue's signal for the shown asset, and the way to all of them."""

    def __init__(self, vm: ContractTicketViewModel) -> None:
        super().__init__()
        self._vm = vm
        self._shown: Suggestion | None = None
        box = QVBoxLayout(self)
        box.setContentsMargins(0, 0, 0, 0)
        box.setSpacing(0)
        head = QHBoxLayout()
        head.setSpacing(6)
        self.whose = ElidedLabel()
        self.whose.setProperty("kind", "label")
        self.all = QPushButton()
        self.all.setProperty("kind", "link")
        self.all.setAutoDefault(False)
        self.all.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.all.clicked.connect(self._on_all_clicked)
        head.addWidget(self.whose, 1)
        head.addWidget(self.all)
        box.addLayout(head)
        row = QHBoxLayout()
        row.setSpacing(6)
        self.text = ElidedLabel()
        self.text.setFixedHeight(_LINE_PX)
        self.left = label(kind="muted")
        self.left.setFont(theme.number_font(theme.LABEL_PX))
        self.take = QPushButton("Take")
        self.take.setProperty("kind", "link")
        self.take.setAutoDefault(False)
        self.take.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.take.clicked.connect(self._on_take_clicked)
        policy = self.take.sizePolicy()
        policy.setRetainSizeWhenHidden(True)
        self.take.setSizePolicy(policy)
        row.addWidget(self.text, 1)
        row.addWidget(self.left)
        row.addWidget(self.take)
        box.addLayout(row)
        self.hide()

    def show_state(self) -> None:
        """Show the view-model's suggestions; absent where the venue makes none at all."""
        vm = self._vm
        self.setVisible(vm.has_signals)
        if not vm.has_signals or vm.place is None:
            return
        found, count, title = vm.suggestion, len(vm.suggestions), vm.place.title
        self._shown = found
        whose = f"{title}'s signal: its advert, not advice"
        if self.whose.text() != whose:
            self.whose.setText(whose)
            self.whose.set_short(f"{title}'s advert, not advice")
            self.setToolTip(f"{whose}.\n{_NOT_ADVICE}")
        # Never hidden: Qt would hand its keyboard to the next button, which sends.
        set_text(self.all, f"All {count}…")
        self.all.setToolTip(f"All signals of {title} that are not over")
        text = f"{_ARROWS[found.side]} {found.text}" if found is not None else vm.no_suggestion_text
        if self.text.text() != text:
            self.text.setText(text)
        set_tone(self.text, _TONES[found.side] if found is not None else "muted")
        set_text(self.left, found.left_text if found is not None else "")
        self.left.setToolTip(found.until_text if found is not None else "")
        if found is None and self.take.hasFocus():
            self.all.setFocus(Qt.FocusReason.OtherFocusReason)
        self.take.setVisible(found is not None)
        if found is not None:
            tip = f"Put {found.text} into the form: nothing is sent"
            self.take.setToolTip(tip)
            self.take.setAccessibleName(tip)

    def menu(self) -> QMenu:
        """All signals that are not over; a choice shows that asset and takes its signal into the form."""
        menu = QMenu(self)
        for each in self._vm.suggestions:
            words = f"{each.instrument.symbol}\t{_ARROWS[each.side]} {each.text}"
            text = f"{words}, {each.until_text}" if each.until_text else words
            menu.addAction(text, partial(self._vm.take, each))
        if menu.isEmpty():
            menu.addAction("No signals now").setEnabled(False)
        return menu

    def _on_all_clicked(self) -> None:
        menu = self.menu()
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        menu.popup(self.all.mapToGlobal(self.all.rect().bottomLeft()))

    def _on_take_clicked(self) -> None:
        if self._shown is not None:
            self._vm.take(self._shown)
