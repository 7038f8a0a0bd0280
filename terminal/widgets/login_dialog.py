"""Signing in to a venue: practice or the person's own accounts, in a page of ours or in his browser."""

from __future__ import annotations

from PySide6.QtCore import Qt, QUrl
from PySide6.QtGui import QCloseEvent, QDesktopServices, QShowEvent
from PySide6.QtWidgets import (
    QDialog,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QRadioButton,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)

from terminal.viewmodels.connection import Mode
from terminal.viewmodels.login import LoginViewModel, Step, Way
from terminal.widgets.controls import label, line, set_text
from terminal.widgets.entry_fields import EntryField, exclude_from_capture
from terminal.widgets.icons import icon

_PASSPHRASE = "passphrase"
_WIDTH_PX, _OWN_PX, _PRACTICE_PX = 560, 640, 360
_PRACTICE_WARNS = "Your browser will warn: nobody but this program vouches for the practice page"


class LoginDialog(QDialog):
    """One venue's sign-in. It closes by itself once the venue is connected as chosen."""

    def __init__(self, vm: LoginViewModel, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._vm = vm
        self._fields: dict[str, EntryField] = {}
        self._build_ui()
        self._bind()
        self.choices[vm.mode].setChecked(True)
        self._render()
        vm.start()

    def _build_ui(self) -> None:
        info = self._vm.info
        self.setWindowTitle(f"Sign in to {info.title}")
        self.resize(_WIDTH_PX, _PRACTICE_PX)
        box = QVBoxLayout(self)
        box.setContentsMargins(18, 16, 18, 14)
        box.setSpacing(10)
        box.addWidget(label(f"Sign in to {info.title}", kind="heading"))
        self.choices: dict[Mode, QRadioButton] = {}
        for mode, text in (
            (Mode.PRACTICE, "Practice accounts: made-up prices, made-up money"),
            (Mode.LIVE, "Your accounts: the venue's own sign-in page"),
        ):
            button = QRadioButton(text)
            self.choices[mode] = button
            box.addWidget(button)
        box.addWidget(line())
        self._area = QScrollArea()
        self._area.setWidgetResizable(True)
        self._area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._area.setWidget(self._build_form())
        box.addWidget(self._area, 1)
        self.progress = _paragraph()
        self.progress.setAccessibleName("Progress")
        box.addWidget(self.progress)
        self.error = label(kind="error")
        self.error.setWordWrap(True)
        box.addWidget(self.error)
        box.addLayout(self._build_buttons())

    def _build_form(self) -> QWidget:
        sign_in = self._vm.sign_in_info
        form = QWidget()
        box = QVBoxLayout(form)
        box.setContentsMargins(0, 0, 8, 0)
        box.setSpacing(8)
        self.state = label(kind="title")
        self.state.setWordWrap(True)
        box.addWidget(self.state)
        self.own = QWidget()
        own = QVBoxLayout(self.own)
        own.setContentsMargins(0, 0, 0, 0)
        own.setSpacing(8)
        self.guide = _paragraph(sign_in.guide)
        own.addWidget(self.guide)
        link = QPushButton("Open the page for applications")
        link.setProperty("kind", "link")
        link.setCursor(Qt.CursorShape.PointingHandCursor)
        link.setToolTip(sign_in.application_page_url)
        link.clicked.connect(self._on_link_clicked)
        own.addWidget(link, 0, Qt.AlignmentFlag.AlignLeft)
        self.redirect = _paragraph()
        self.redirect.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        own.addWidget(self.redirect)
        for field in sign_in.application_fields:
            self._add_field(own, field.key, field.label, field.hint, secret=field.secret)
        self._add_field(own, _PASSPHRASE, "Passphrase of the key vault", "at least 8 characters", secret=True)
        self.store = _paragraph()
        own.addWidget(self.store)
        box.addWidget(self.own)
        self.practice_note = _paragraph(
            "The practice venue has a sign-in page of its own, with one button. No money moves and nothing "
            "leaves this machine."
        )
        box.addWidget(self.practice_note)
        box.addStretch(1)
        return form

    def _add_field(self, box: QVBoxLayout, key: str, title: str, hint: str, *, secret: bool) -> None:
        field = EntryField(title, hint, secret=secret)
        field.edit.textEdited.connect(lambda _: self._vm.touch(key))
        self._fields[key] = field
        box.addWidget(field)

    def _build_buttons(self) -> QVBoxLayout:
        rows = QVBoxLayout()
        rows.setSpacing(8)
        ways = QHBoxLayout()
        ways.setSpacing(8)
        self.sign_out = QPushButton(icon("power"), "Sign out")
        self.system = QPushButton("Use my own browser")
        self.sign_in = QPushButton("Sign in")
        self.connect_kept = QPushButton("Connect")
        self.cancel = QPushButton("Cancel")
        for button in (self.sign_out, self.system, self.cancel):
            button.setProperty("kind", "action")
        self.connect_kept.setProperty("kind", "action")
        self.sign_in.setProperty("kind", "primary")
        ways.addWidget(self.sign_out)
        ways.addStretch(1)
        for button in (self.cancel, self.connect_kept, self.system, self.sign_in):
            ways.addWidget(button)
        for button in (self.sign_out, self.system, self.sign_in, self.connect_kept, self.cancel):
            button.setAutoDefault(False)
        rows.addLayout(ways)
        return rows

    def _bind(self) -> None:
        vm = self._vm
        vm.changed.connect(self._render)
        vm.finished.connect(self.accept)
        for mode, button in self.choices.items():
            button.toggled.connect(lambda on, mode=mode: vm.choose(mode) if on else None)
        self.sign_out.clicked.connect(vm.sign_out)
        self.connect_kept.clicked.connect(lambda: vm.connect_kept(self._fields[_PASSPHRASE].edit.text()))
        self.sign_in.clicked.connect(lambda: self._begin(Way.EMBEDDED))
        self.system.clicked.connect(lambda: self._begin(Way.SYSTEM))
        self.cancel.clicked.connect(self._on_cancel_clicked)
        self.finished.connect(self._on_finished)

    def _begin(self, way: Way) -> None:
        entries = {key: field.edit.text() for key, field in self._fields.items() if key != _PASSPHRASE}
        is_own = self._vm.mode is Mode.LIVE
        self._vm.sign_in(entries if is_own else {}, way, self._fields[_PASSPHRASE].edit.text())

    # -- drawing --------------------------------------------------------------------------------------

    def _render(self) -> None:
        vm, status = self._vm, self._vm.status
        is_own = vm.mode is Mode.LIVE
        if self.own.isHidden() == is_own:
            self.resize(self.width(), _OWN_PX if is_own else _PRACTICE_PX)
        self.own.setVisible(is_own)
        self.practice_note.setVisible(not is_own)
        what = "your accounts" if is_own else "the practice accounts"
        stands = f"Signed in to {what}." if status.is_signed_in else f"Not signed in to {what}."
        if status.is_locked:
            stands = "What is kept is locked: enter its passphrase."
        set_text(self.state, status.trouble or stands)
        is_new = not status.has_application and not status.is_locked
        self.guide.setVisible(is_new)
        self.redirect.setVisible(is_new)
        set_text(self.redirect, f"Redirect address:  {status.redirect_url}")
        for key, field in self._fields.items():
            field.show_problem(vm.problems.get(key, ""))
            field.edit.setEnabled(not vm.is_busy)
            if key == _PASSPHRASE:
                field.setVisible(status.needs_passphrase)
            elif status.has_application or status.is_locked:
                field.edit.setPlaceholderText("kept on this machine; enter another one to replace it")
        set_text(self.store, status.key_store)
        for button in self.choices.values():
            button.setEnabled(not vm.is_busy)
        set_text(self.progress, vm.progress)
        self.progress.setVisible(bool(vm.progress))
        set_text(self.error, vm.error)
        self.error.setVisible(bool(vm.error))
        self.sign_out.setVisible(status.is_signed_in)
        self.sign_out.setEnabled(not vm.is_busy)
        self.connect_kept.setVisible((status.is_signed_in and not status.trouble) or status.is_locked)
        self.connect_kept.setEnabled(not vm.is_busy)
        set_text(self.connect_kept, "Unlock and connect" if status.is_locked else "Connect")
        self.system.setToolTip("" if is_own else _PRACTICE_WARNS)
        self.system.setEnabled(not vm.is_busy)
        fetches = not status.can_embed and status.can_fetch
        again = "Sign in again" if status.is_signed_in else "Sign in"
        set_text(self.sign_in, f"Fetch the page, then {again.lower()}" if fetches else again)
        self.sign_in.setEnabled(not vm.is_busy and (status.can_embed or status.can_fetch))
        self.sign_in.setToolTip(
            "" if status.can_embed else "Downloads the page's engine once, about 160 MB" if fetches else
            "This build has no page of its own; use your own browser"
        )  # fmt: skip
        set_text(self.cancel, "Close the page" if vm.step is Step.PAGE else "Cancel")

    # -- slots ----------------------------------------------------------------------------------------

    def _on_link_clicked(self) -> None:
        QDesktopServices.openUrl(QUrl(self._vm.sign_in_info.application_page_url))

    def _on_cancel_clicked(self) -> None:
        if self._vm.step is Step.PAGE:
            self._vm.give_up()
        else:
            self.reject()

    def _on_finished(self) -> None:
        self._vm.give_up()
        for field in self._fields.values():
            field.edit.clear()

    def closeEvent(self, event: QCloseEvent) -> None:
        self._vm.give_up()
        super().closeEvent(event)

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        exclude_from_capture(self)


def _paragraph(text: str = "") -> QLabel:
    out = label(text, kind="label")
    out.setWordWrap(True)
    return out
