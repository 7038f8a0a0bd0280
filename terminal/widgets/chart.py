"""The chart panel: intervals and time zone in its header, the bars, and what a drag is about to do."""

from __future__ import annotations

from datetime import UTC

from PySide6.QtCore import QEvent, QPoint, QSize, Qt
from PySide6.QtGui import QHideEvent, QResizeEvent, QShowEvent
from PySide6.QtWidgets import (
    QHBoxLayout,
    QLayout,
    QMenu,
    QPushButton,
    QSizePolicy,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from terminal.viewmodels.chart import ChartViewModel, interval_text
from terminal.viewmodels.sending import RequestView
from terminal.widgets import theme
from terminal.widgets.chart_indicator_form import IndicatorForm, fill_menu
from terminal.widgets.chart_view import ChartView
from terminal.widgets.controls import KeyedPanel, label, set_text
from terminal.widgets.icons import icon
from terminal.widgets.request_card import RequestCard, ResultLine

_CARD_PX = 300
_MARGIN_PX = 8
_HEADER_GAPS_PX = 24
_FUNDING_GAP_PX = 8
_ICON_BUTTON_PX = 26
_BUTTON_SHEET = (
    "QPushButton, QToolButton { padding: 0 4px; min-height: 20px; border: 1px solid transparent;"
    f" background: transparent; color: {theme.TEXT_2}; }}"
    f"QPushButton:hover, QToolButton:hover {{ background: {theme.HOVER}; color: {theme.TEXT}; }}"
    f"QPushButton:checked {{ background: {theme.HOVER}; color: {theme.WHITE};"
    f" border-bottom: 2px solid {theme.TEXT}; }}"
    f"QPushButton:focus, QToolButton:focus {{ border: 2px solid {theme.FOCUS}; padding: 0 3px; }}"
    "QToolButton::menu-indicator { image: none; }"
)


class ChartHeader(QWidget):
    """Symbol, interval buttons and the time zone; belongs in the panel's title bar.

    Where there is no room for all intervals, one button with a menu takes their place.
    """

    def __init__(self, vm: ChartViewModel, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._vm = vm
        self._shown: tuple[int, ...] = ()
        self._named = ""
        self._told = vm.funding_texts
        self.buttons: dict[int, QPushButton] = {}
        self._build_ui()
        vm.changed.connect(self._render)
        self._render()

    def _build_ui(self) -> None:
        self.setStyleSheet(_BUTTON_SHEET)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        row = QHBoxLayout(self)
        row.setContentsMargins(6, 0, 4, 0)
        row.setSpacing(0)
        # The row of intervals must not keep the panel wide: it gives way to the menu.
        row.setSizeConstraint(QLayout.SizeConstraint.SetNoConstraint)
        self._title = label(kind="title")
        row.addWidget(self._title)
        row.addSpacing(8)
        self._all = QWidget()
        self._row = QHBoxLayout(self._all)
        self._row.setContentsMargins(0, 0, 0, 0)
        self._row.setSpacing(0)
        row.addWidget(self._all)
        self._few = QToolButton()
        self._few.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        self._few.setToolTip("Length of a bar")
        self._few.hide()
        row.addWidget(self._few)
        row.addStretch(1)
        self._funding = label(kind="label")
        self._funding.setContentsMargins(0, 0, _FUNDING_GAP_PX, 0)
        row.addWidget(self._funding)
        self.indicators = QToolButton()
        self.indicators.setIcon(icon("indicator"))
        self.indicators.setFixedWidth(_ICON_BUTTON_PX)
        self.indicators.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        self.indicators.setToolTip("Indicators (I)")
        self.indicators.setAccessibleName("Indicators")
        self.indicators.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self._menu = QMenu(self.indicators)
        self._menu.aboutToShow.connect(self._on_menu_about_to_show)
        self.indicators.setMenu(self._menu)
        row.addWidget(self.indicators)
        self._zone = QPushButton()
        self._zone.setToolTip("Times in local time or in UTC")
        self._zone.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self._zone.clicked.connect(self._on_zone_clicked)
        row.addWidget(self._zone)

    def _render(self) -> None:
        vm = self._vm
        set_text(self._zone, "UTC" if vm.in_utc else "local")
        intervals = vm.intervals or (vm.interval_s,)
        if intervals != self._shown:
            self._shown = intervals
            self._build_intervals()
        for interval_s, button in self.buttons.items():
            if button.isChecked() != (interval_s == vm.interval_s):
                button.setChecked(interval_s == vm.interval_s)
        set_text(self._few, f"{interval_text(vm.interval_s)} ▾")
        if vm.title != self._named or vm.funding_texts != self._told:
            self._named, self._told = vm.title, vm.funding_texts
            self._fit()

    def _build_intervals(self) -> None:
        for button in self.buttons.values():
            self._row.removeWidget(button)
            button.deleteLater()
        self.buttons = {}
        menu = QMenu(self._few)
        for interval_s in self._shown:
            words = interval_text(interval_s, long=True)
            button = QPushButton(interval_text(interval_s))
            button.setCheckable(True)
            button.setToolTip(words)
            button.setAccessibleName(f"Bars of {words}")
            button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
            button.setFont(theme.number_font(theme.TABLE_PX))
            button.clicked.connect(lambda _=False, one=interval_s: self._on_interval_clicked(one))
            self._row.addWidget(button)
            self.buttons[interval_s] = button
            menu.addAction(words).triggered.connect(
                lambda _=False, one=interval_s: self._on_interval_clicked(one)
            )
        self._few.setMenu(menu)
        self._fit()

    def _on_interval_clicked(self, interval_s: int) -> None:
        self._vm.set_interval(interval_s)
        self._render()

    def _on_menu_about_to_show(self) -> None:
        fill_menu(self._menu, self._vm.indicators, self._open_form)

    def _open_form(self, key: int) -> None:
        form = IndicatorForm(self._vm.indicators, key, self)
        form.open_at(self.indicators.mapToGlobal(self.indicators.rect().bottomLeft()))

    def _on_zone_clicked(self) -> None:
        self._vm.set_zone(None if self._vm.in_utc else UTC)

    def _fit(self) -> None:
        """First the venue's name gives way, then the row of intervals, then the time zone; the funding takes
        what is to spare."""
        fixed = _width_of(self._zone) + _ICON_BUTTON_PX + _HEADER_GAPS_PX
        row = sum(_width_of(button) for button in self.buttons.values())
        self._title.ensurePolished()
        metrics, symbol = self._title.fontMetrics(), self._vm.symbol
        least = fixed + row + metrics.horizontalAdvance(symbol)
        enough = self.width() >= least
        if enough:
            self._fit_funding(self.width() - least)
        else:
            few = fixed + self._few.sizeHint().width() + metrics.horizontalAdvance(self._vm.title)
            self._fit_funding(self.width() - few)
        if not self._funding.isHidden():
            fixed += self._funding.sizeHint().width()
        if not enough:
            row = self._few.sizeHint().width()
        shows_zone = self.width() >= fixed + row + metrics.horizontalAdvance(symbol)
        self._zone.setVisible(shows_zone)
        if not shows_zone:
            fixed -= _width_of(self._zone)
        whole = self.width() >= fixed + row + metrics.horizontalAdvance(self._vm.title)
        room = self.width() - fixed - row + _HEADER_GAPS_PX // 2
        shown = self._vm.title if whole else metrics.elidedText(symbol, Qt.TextElideMode.ElideRight, room)
        set_text(self._title, shown)
        self._title.setToolTip(self._vm.title)
        self._all.setVisible(enough)
        self._few.setVisible(not enough)

    def _fit_funding(self, room: int) -> None:
        """The longest text about the funding that this room takes."""
        whole, short, tip = self._told
        self._funding.ensurePolished()
        metrics = self._funding.fontMetrics()
        fits = (text for text in (whole, short) if metrics.horizontalAdvance(text) + _FUNDING_GAP_PX <= room)
        text = next(fits, "")
        set_text(self._funding, text)
        self._funding.setToolTip(tip)
        self._funding.setVisible(bool(text))

    def resizeEvent(self, event: QResizeEvent) -> None:
        self._fit()
        super().resizeEvent(event)

    def minimumSizeHint(self) -> QSize:
        return QSize(120, super().minimumSizeHint().height())

    def changeEvent(self, event: QEvent) -> None:
        if event.type() == QEvent.Type.FontChange:
            self._fit()
        super().changeEvent(event)


def _width_of(button: QPushButton) -> int:
    # Before it is polished a button does not know the style sheet's padding.
    button.ensurePolished()
    return button.sizeHint().width()


class ChartPanel(KeyedPanel):
    """The whole chart. ``header`` goes into the title bar of whoever shows it."""

    def __init__(self, vm: ChartViewModel, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._vm = vm
        self._build_ui()
        self._bind()
        self._render()

    def _build_ui(self) -> None:
        self.header = ChartHeader(self._vm)
        box = QVBoxLayout(self)
        box.setContentsMargins(0, 0, 0, 0)
        self.view = ChartView(self._vm)
        box.addWidget(self.view)
        self.begin_with(self.view)
        self._placed_in = self.view.geometry_of_plot
        self._foot = QWidget(self)
        self._foot.setObjectName("foot")
        self._foot.setStyleSheet(
            f"QWidget#foot {{ background: {theme.RAISED}; border: 1px solid {theme.BORDER_STRONG}; }}"
        )
        self._foot.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        foot = QVBoxLayout(self._foot)
        foot.setContentsMargins(6, 6, 6, 6)
        self._card = RequestCard(self._vm.trading.sending)
        self._result = ResultLine(self._vm.trading.sending)
        foot.addWidget(self._card)
        foot.addWidget(self._result)
        self._to_last = self._corner("Last bar ⇥", "Go to the last bar (End)", self._vm.go_to_last)
        self._auto = self._corner("auto", "Fit the prices to the visible bars (Space)", self._vm.fit_prices)

    def _corner(self, text: str, tip: str, act: object) -> QPushButton:
        button = QPushButton(text, self)
        button.setToolTip(tip)
        button.setFont(theme.ui_font(theme.LABEL_PX))
        button.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        button.setCursor(Qt.CursorShape.PointingHandCursor)
        button.setStyleSheet("padding: 1px 6px; min-height: 16px;")
        button.clicked.connect(act)
        button.hide()
        return button

    def _bind(self) -> None:
        self._vm.changed.connect(self._render)
        self._vm.trading.sending.changed.connect(self._render_foot)
        self._vm.confirmation_needed.connect(self._on_vm_confirmation_needed)

    def _render(self) -> None:
        vm = self._vm
        away, by_hand = not vm.is_at_last, not vm.scale.auto
        moved = self._placed_in != self.view.geometry_of_plot
        if self._to_last.isHidden() == away or self._auto.isHidden() == by_hand or moved:
            self._to_last.setVisible(away)
            self._auto.setVisible(by_hand)
            self._place_overlays()
        self._render_foot()

    def _render_foot(self) -> None:
        sending = self._vm.trading.sending
        wanted = sending.pending is not None or sending.result is not None
        if wanted or not self._foot.isHidden():
            self._foot.setVisible(wanted)
            self._place_overlays()

    def _place_overlays(self) -> None:
        geometry = self._placed_in = self.view.geometry_of_plot
        plot = geometry.plot
        for button, corner in (
            (
                self._to_last,
                QPoint(plot.right() - _MARGIN_PX, plot.top() + geometry.price_height - _MARGIN_PX),
            ),
            (self._auto, QPoint(self.width() - 3, self.height() - 2)),
        ):
            button.adjustSize()
            button.move(corner - QPoint(button.width(), button.height()))
        if not self._foot.isHidden():
            width = min(_CARD_PX, max(180, plot.width() - 2 * _MARGIN_PX))
            self._foot.setFixedWidth(width)
            height = self._foot.heightForWidth(width)
            height = height if height > 0 else self._foot.sizeHint().height()
            self._foot.resize(width, height)
            self._foot.move(plot.right() - width - _MARGIN_PX, max(0, plot.bottom() - height - _MARGIN_PX))
            self._foot.raise_()

    def _on_vm_confirmation_needed(self, view: RequestView) -> None:
        self._render_foot()
        self._card.setFocus(Qt.FocusReason.OtherFocusReason)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._place_overlays()

    def showEvent(self, event: QShowEvent) -> None:
        self._vm.set_visible(True)
        super().showEvent(event)

    def hideEvent(self, event: QHideEvent) -> None:
        self._vm.set_visible(False)
        super().hideEvent(event)
