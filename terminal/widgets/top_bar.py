"""The top bar: workspace, search, whose money, how armed, how the day goes, and the way out."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QFrame, QHBoxLayout, QMenu, QPushButton, QWidget

from terminal.viewmodels.desk import ArmState, DeskViewModel
from terminal.viewmodels.notices import NoticesViewModel
from terminal.widgets import theme
from terminal.widgets.controls import HoldButton, ModeBadge, Segmented, label, set_text, set_tone
from terminal.widgets.icons import icon, pixmap

BAR_PX = 40
_ARMS = (ArmState.VIEW, ArmState.CONFIRM, ArmState.ONE_CLICK)
_ARM_TEXTS = ("View", "Confirm", "One-click")
_ARM_TIPS = (
    "Nothing can be sent; canceling still works (Ctrl+Shift+L)",
    "The exact order is shown before it is sent",
)


class TopBar(QFrame):
    """The bar at the head of the window. The window fills ``workspace_menu`` and ``mode_menu``.

    Signals:
        search_wanted: the person wants to find an instrument.
        flatten_wanted: the flatten button was held.
        notices_wanted: the notice centre was asked for.
    """

    search_wanted = Signal()
    flatten_wanted = Signal()
    notices_wanted = Signal()

    def __init__(self, vm: DeskViewModel, notices: NoticesViewModel, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._vm = vm
        self._notices = notices
        self._shown_limit: tuple[str, str] | None = None
        self._build_ui()
        self._bind()
        self._render()
        self._render_bell()

    def _build_ui(self) -> None:
        self.setProperty("kind", "topbar")
        self.setFixedHeight(BAR_PX)
        row = QHBoxLayout(self)
        row.setContentsMargins(8, 0, 8, 0)
        row.setSpacing(10)
        self.workspace = QPushButton(icon("layout"), "Start")
        self.workspace.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.workspace.setToolTip("Workspaces and panels")
        self.workspace_menu = QMenu(self.workspace)
        self.workspace.setMenu(self.workspace_menu)
        row.addWidget(self.workspace)
        self.search = QPushButton(icon("search"), "Find a market    Ctrl+K")
        self.search.setProperty("kind", "search")
        self.search.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.search.setMinimumWidth(200)
        row.addWidget(self.search)
        self.badge = ModeBadge()
        self.mode_menu = QMenu(self.badge)
        self.badge.setMenu(self.mode_menu)
        row.addWidget(self.badge)
        self.arm = Segmented(_ARM_TEXTS)
        self.arm.setAccessibleName("Arm state")
        for button, tip in zip(self.arm.buttons[:2], _ARM_TIPS, strict=True):
            button.setToolTip(tip)
        row.addWidget(self.arm)
        row.addStretch(1)
        self.day_label = label("Day", kind="label")
        self.day = label()
        self.day.setFont(theme.number_font(theme.BASE_PX))
        self.day.setMinimumWidth(96)
        self.day.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        row.addWidget(self.day_label)
        row.addWidget(self.day)
        self.day_icon = label()
        self.day_word = label()
        for each in (self.day_icon, self.day_word):
            row.addWidget(each)
        self.bell = QPushButton(icon("bell"), "")
        self.bell.setProperty("kind", "flat")
        self.bell.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.bell.setAccessibleName("Notices")
        row.addWidget(self.bell)
        row.addSpacing(20)
        self.flatten = HoldButton("Flatten")
        self.flatten.setIcon(icon("power", theme.WHITE))
        self.flatten.setProperty("kind", "danger")
        self.flatten.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        row.addWidget(self.flatten)

    def add_light(self, light: QWidget) -> None:
        """Put something that must always be in sight beside the bell."""
        row = self.layout()
        assert isinstance(row, QHBoxLayout)
        row.insertWidget(row.indexOf(self.bell), light)

    def _bind(self) -> None:
        self._vm.changed.connect(self._render)
        self._notices.changed.connect(self._render_bell)
        self.arm.chosen.connect(self._on_arm_chosen)
        self.search.clicked.connect(self.search_wanted)
        self.bell.clicked.connect(self.notices_wanted)
        self.flatten.held.connect(self.flatten_wanted)

    def _render(self) -> None:
        vm = self._vm
        if (vm.badge, vm.mode) != getattr(self, "_shown_badge", None):
            self._shown_badge = (vm.badge, vm.mode)
            self.badge.show_mode(vm.badge, striped=vm.is_make_believe)
        at = _ARMS.index(vm.arm)
        self.arm.choose(at)
        theme.set_property(self.arm.buttons[2], "armed", vm.arm is ArmState.ONE_CLICK)
        self.arm.buttons[2].setToolTip(vm.one_click_tip)
        self.arm.setToolTip(vm.arm_tip)
        set_text(self.day_label, vm.day_title)
        set_text(self.day, vm.day_pnl_text)
        set_tone(self.day, vm.day_pnl_tone)
        self._render_limit()
        tip = vm.day_tip
        for each in (self.day, self.day_label, self.day_icon, self.day_word):
            each.setToolTip(tip)
        self.flatten.setEnabled(vm.can_flatten)
        self.flatten.setToolTip(
            "Hold 0.8 s: shows what would be canceled (Ctrl+Shift+X)"
            if vm.can_flatten
            else "Nothing to flatten: no open order"
        )

    def _render_limit(self) -> None:
        vm = self._vm
        shown = (vm.day_icon, vm.day_word)
        if shown == self._shown_limit:
            return
        self._shown_limit = shown
        if vm.day_icon:
            tint = theme.DANGER if vm.day_pnl_tone == "danger" else theme.WARNING
            self.day_icon.setPixmap(pixmap(vm.day_icon, tint))
        set_text(self.day_word, vm.day_word)
        set_tone(self.day_word, vm.day_pnl_tone)
        self.day_icon.setVisible(bool(vm.day_icon))
        self.day_word.setVisible(bool(vm.day_word))

    def _render_bell(self) -> None:
        unread = self._notices.unread
        set_text(self.bell, str(unread) if unread else "")
        self.bell.setIcon(icon("bell", theme.WARNING if unread else theme.TEXT_2))
        self.bell.setToolTip(f"{unread} unread notices" if unread else "Notices")

    def _on_arm_chosen(self, at: int) -> None:
        self._vm.set_arm(_ARMS[at])
        self._render()
