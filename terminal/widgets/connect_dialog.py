"""Connecting a venue: practice, its real prices, or an account, with a form built from what it asks for."""

from __future__ import annotations

import contextlib
import sys
from typing import Final

from PySide6.QtCore import Qt, QTimer, QUrl
from PySide6.QtGui import QContextMenuEvent, QDesktopServices, QGuiApplication, QShowEvent
from PySide6.QtWidgets import (
    QCheckBox,
    QDialog,
    QFrame,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QMenu,
    QPushButton,
    QRadioButton,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)

from terminal.viewmodels.connect import PASSPHRASE, PIN, ConnectViewModel, Step
from terminal.viewmodels.connection import Mode
from terminal.widgets import theme
from terminal.widgets.controls import label, line, set_text
from terminal.widgets.icons import icon

CLIPBOARD_CLEAR_S = 30
_EXCLUDE_FROM_CAPTURE = 0x11  # Windows: WDA_EXCLUDEFROMCAPTURE
_SIGNS: Final[dict[bool | None, str]] = {True: "✓", False: "–", None: "?"}
_ENDINGS: Final[dict[bool | None, str]] = {
    True: "",
    False: ": not granted",
    None: ": the venue does not tell",
}
_SETTLED_MS = 300  # by then the layout has made room for whatever came


class SecretEdit(QLineEdit):
    """A field for keys: dots, and a menu that can paste but not copy."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setEchoMode(QLineEdit.EchoMode.Password)
        self.setInputMethodHints(Qt.InputMethodHint.ImhSensitiveData | Qt.InputMethodHint.ImhNoPredictiveText)

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        menu = QMenu(self)
        menu.addAction("Paste", self.paste)
        menu.addAction("Clear", self.clear)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        menu.popup(event.globalPos())


class EntryField(QWidget):
    """A labelled entry with its problem beneath."""

    def __init__(self, title: str, hint: str, *, secret: bool) -> None:
        super().__init__()
        box = QVBoxLayout(self)
        box.setContentsMargins(0, 0, 0, 0)
        box.setSpacing(3)
        caption = label(title, kind="label")
        box.addWidget(caption)
        self.edit: QLineEdit = SecretEdit() if secret else QLineEdit()
        self.edit.setPlaceholderText(hint)
        self.edit.setAccessibleName(title)
        caption.setBuddy(self.edit)
        box.addWidget(self.edit)
        self.problem = label(kind="error")
        self.problem.setWordWrap(True)
        self.problem.hide()
        box.addWidget(self.problem)

    def show_problem(self, text: str) -> None:
        set_text(self.problem, text)
        self.problem.setVisible(bool(text))
        theme.set_property(self.edit, "invalid", bool(text))


class FlagField(QWidget):
    """A box to tick, and what that brings beneath it."""

    def __init__(self, title: str, hint: str) -> None:
        super().__init__()
        box = QVBoxLayout(self)
        box.setContentsMargins(0, 2, 0, 0)
        box.setSpacing(3)
        self.box = QCheckBox(title)
        self.box.setAccessibleDescription(hint)
        self.hint = label(hint, kind="muted")
        self.hint.setWordWrap(True)
        self.hint.setIndent(22)
        box.addWidget(self.box)
        box.addWidget(self.hint)


class ConnectDialog(QDialog):
    """One venue's connection. It closes by itself once the venue is connected as chosen."""

    def __init__(self, vm: ConnectViewModel, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._vm = vm
        self._fields: dict[str, EntryField] = {}
        self._flags: dict[str, FlagField] = {}
        self._sign_in_fields: dict[str, EntryField] = {}
        self._shown_report: object = None
        self._sought: QWidget | None = None
        self._settling = QTimer(self)
        self._settling.setSingleShot(True)
        self._settling.setInterval(_SETTLED_MS)
        self._settling.timeout.connect(self._seek_no_more)
        self._build_ui()
        self._bind()
        self._choose(Mode.LIVE)
        vm.start()

    def _build_ui(self) -> None:
        info = self._vm.info
        title = f"Add {info.added_as}" if self._vm.is_new else f"Connect {info.title}"
        self.setWindowTitle(title)
        self.resize(540, 680)
        box = QVBoxLayout(self)
        box.setContentsMargins(18, 16, 18, 14)
        box.setSpacing(10)
        box.addWidget(label(title, kind="heading"))
        self.choices: dict[Mode, QRadioButton] = {}
        for mode, text, possible in (
            (Mode.PRACTICE, "Practice market: made-up prices, made-up money", not info.on_demand),
            (Mode.PUBLIC, "Real prices, no account: watch only", info.public_without_key),
            (Mode.LIVE, "Your account: real prices, real money", bool(info.credential_fields)),
        ):
            if possible:
                button = QRadioButton(text)
                button.toggled.connect(self._on_choice_toggled)
                self.choices[mode] = button
                box.addWidget(button)
                # Where nothing can be chosen, nothing is asked.
                button.setVisible(not info.on_demand)
        box.addWidget(line())
        self._area = QScrollArea()
        self._area.setWidgetResizable(True)
        self._area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.form = self._build_form()
        self._area.setWidget(self.form)
        self._area.verticalScrollBar().rangeChanged.connect(self._show_sought)
        box.addWidget(self._area, 1)
        self.error = label(kind="error")
        self.error.setWordWrap(True)
        self.error.hide()
        box.addWidget(self.error)
        self.leaving = label(kind="warning")
        self.leaving.setWordWrap(True)
        self.leaving.hide()
        box.addWidget(self.leaving)
        box.addLayout(self._build_buttons())

    def _build_form(self) -> QWidget:
        info = self._vm.info
        form = QWidget()
        box = QVBoxLayout(form)
        box.setContentsMargins(0, 0, 8, 0)
        box.setSpacing(8)
        self.kept = label("Keys for this venue are kept on this machine.", kind="label")
        box.addWidget(self.kept)
        if info.key_guide:
            box.addWidget(self._paragraph(info.key_guide))
        if info.key_page_url.startswith("https://"):
            link = QPushButton("Open the guide" if info.on_demand else f"Open the key page of {info.title}")
            link.setProperty("kind", "link")
            link.setCursor(Qt.CursorShape.PointingHandCursor)
            link.setToolTip(info.key_page_url)
            link.clicked.connect(self._on_link_clicked)
            box.addWidget(link, 0, Qt.AlignmentFlag.AlignLeft)
        if info.password_fields:
            box.addWidget(self._build_sign_in())
        for field in self._vm.fields:
            kept = self._vm.options.get(field.key, "")
            if field.is_flag:
                self._add_flag(box, field.key, field.label, field.hint, is_on=kept == "true")
                continue
            title = f"{field.label} (optional)" if field.optional else field.label
            self._add_field(box, field.key, title, field.hint, secret=field.secret)
            self._fields[field.key].edit.setText(kept)
        self.report = QFrame()
        self.report.setProperty("kind", "card")
        self._report_box = QVBoxLayout(self.report)
        self._report_box.setContentsMargins(12, 10, 12, 10)
        self._report_box.setSpacing(3)
        box.addWidget(self.report)
        # Whether it is needed is known only after a look at the keychain, which may take a moment.
        self._add_field(box, PASSPHRASE, "Passphrase of the key vault", "at least 8 characters", secret=True)
        self.store = self._paragraph(self._vm.key_store)
        box.addWidget(self.store)
        box.addStretch(1)
        return form

    def _build_sign_in(self) -> QWidget:
        """Signing in with a password, above the entries that it brings; those can be pasted instead."""
        shown = QFrame()
        shown.setProperty("kind", "card")
        box = QVBoxLayout(shown)
        box.setContentsMargins(12, 10, 12, 10)
        box.setSpacing(6)
        for field in self._vm.info.password_fields:
            entry = EntryField(field.label, field.hint, secret=field.secret)
            entry.edit.textEdited.connect(lambda _, key=field.key: self._vm.touch(key))
            self._sign_in_fields[field.key] = entry
            box.addWidget(entry)
        self.question = self._paragraph("")
        box.addWidget(self.question)
        self.pin = EntryField("PIN", "digits only", secret=False)
        self.pin.edit.textEdited.connect(lambda _: self._vm.touch(PIN))
        self.pin.edit.returnPressed.connect(self._on_sign_in_clicked)
        box.addWidget(self.pin)
        self.sign_in = QPushButton("Sign in")
        self.sign_in.setProperty("kind", "action")
        self.sign_in.setAutoDefault(False)
        self.sign_in.clicked.connect(self._on_sign_in_clicked)
        row = QHBoxLayout()
        row.setSpacing(8)
        row.addWidget(self.sign_in)
        self.page = QPushButton("Sign in on its own page…")
        self.page.setProperty("kind", "action")
        self.page.setAutoDefault(False)
        self.page.setToolTip("Opens the venue's page in a window of its own and takes its session over")
        self.page.clicked.connect(self._vm.sign_in_on_page)
        self.page.setVisible(self._vm.has_page)
        row.addWidget(self.page)
        row.addStretch(1)
        box.addLayout(row)
        box.addWidget(self._paragraph("Or paste a session from your own browser below."))
        return shown

    def _paragraph(self, text: str) -> QLabel:
        out = label(text, kind="label")
        out.setWordWrap(True)
        return out

    def _add_field(self, box: QVBoxLayout, key: str, title: str, hint: str, *, secret: bool) -> None:
        field = EntryField(title, hint, secret=secret)
        field.edit.textEdited.connect(lambda _: self._vm.touch(key))
        self._fields[key] = field
        box.addWidget(field)

    def _add_flag(self, box: QVBoxLayout, key: str, title: str, hint: str, *, is_on: bool) -> None:
        flag = FlagField(title, hint)
        flag.box.setChecked(is_on)
        flag.box.toggled.connect(lambda _: self._vm.touch(key))
        self._flags[key] = flag
        box.addWidget(flag)

    def _build_buttons(self) -> QHBoxLayout:
        row = QHBoxLayout()
        row.setSpacing(8)
        info = self._vm.info
        self.forget = QPushButton(icon("trash"), "Remove…" if info.on_demand else "Forget kept keys")
        self.forget.setProperty("kind", "action")
        self.cancel = QPushButton("Cancel")
        self.cancel.setProperty("kind", "action")
        self.test = QPushButton("Test the key")
        self.test.setProperty("kind", "action")
        self.go = QPushButton("Connect")
        self.go.setProperty("kind", "primary")
        row.addWidget(self.forget)
        row.addStretch(1)
        for button in (self.cancel, self.test, self.go):
            row.addWidget(button)
        for button in (self.forget, self.cancel, self.test, self.go):
            button.setAutoDefault(False)
        return row

    def _bind(self) -> None:
        self._vm.changed.connect(self._render)
        self._vm.finished.connect(self.accept)
        self.cancel.clicked.connect(self.reject)
        self.test.clicked.connect(self._on_test_clicked)
        self.go.clicked.connect(self._on_go_clicked)
        self.forget.clicked.connect(self._on_forget_clicked)
        self.finished.connect(self._on_finished)

    # -- what is chosen -------------------------------------------------------------------------------

    @property
    def mode(self) -> Mode:
        """The chosen mode."""
        return next((mode for mode, button in self.choices.items() if button.isChecked()), Mode.PRACTICE)

    def _choose(self, mode: Mode) -> None:
        self.choices.get(mode, next(iter(self.choices.values()))).setChecked(True)
        self._render()

    def _on_choice_toggled(self, on: bool) -> None:
        if on:
            self._render()

    # -- drawing --------------------------------------------------------------------------------------

    def _render(self) -> None:
        if not hasattr(self, "go"):
            return
        vm, account = self._vm, self.mode is Mode.LIVE
        self.form.setVisible(account)
        self.kept.setVisible(vm.has_keys)
        can_remove = vm.info.on_demand and not vm.is_new
        self.forget.setVisible(account and (vm.has_keys or can_remove))
        self.test.setVisible(account)
        for key, field in self._fields.items():
            field.show_problem(vm.problems.get(key, ""))
            field.edit.setEnabled(not vm.is_busy)
        for flag in self._flags.values():
            flag.setEnabled(not vm.is_busy)
        self._render_sign_in()
        passphrase = self._fields[PASSPHRASE]
        is_new = vm.needs_passphrase and not passphrase.isVisibleTo(self.form)
        passphrase.setVisible(vm.needs_passphrase)
        if is_new:
            self._bring_into_view(passphrase)
        set_text(self.store, vm.key_store)
        for button in self.choices.values():
            button.setEnabled(not vm.is_busy)
        set_text(self.error, vm.error)
        self.error.setVisible(bool(vm.error))
        test = "Test the connection" if vm.info.on_demand else "Test the key"
        set_text(self.test, "Testing…" if vm.step is Step.TESTING else test)
        self.test.setEnabled(not vm.is_busy)
        self.forget.setEnabled(not vm.is_busy)
        if vm.info.on_demand:
            set_text(self.forget, "Remove it" if vm.leaving else "Remove…")
        set_text(self.leaving, vm.leaving)
        self.leaving.setVisible(bool(vm.leaving))
        self._render_go(account)
        self._render_report()

    def _render_sign_in(self) -> None:
        vm = self._vm
        if not self._sign_in_fields:
            return
        for key, field in self._sign_in_fields.items():
            field.show_problem(vm.problems.get(key, ""))
            field.edit.setEnabled(not vm.is_busy)
            if key in self._fields:
                self._fields[key].show_problem("")
        asks = bool(vm.question)
        set_text(self.question, vm.question)
        self.question.setVisible(asks)
        is_new = asks and not self.pin.isVisibleTo(self.form)
        self.pin.setVisible(asks)
        self.pin.show_problem(vm.problems.get(PIN, ""))
        if is_new:
            self.pin.edit.clear()
            self.pin.edit.setFocus()
            self._bring_into_view(self.pin)
        signing = vm.step is Step.SIGNING_IN and not asks
        set_text(self.sign_in, "Signing in…" if signing else "Send the PIN" if asks else "Sign in")
        self.sign_in.setEnabled(asks or not vm.is_busy)
        self.page.setEnabled(not vm.is_busy)

    def _render_go(self, account: bool) -> None:
        vm = self._vm
        busy = "Connecting…" if vm.step is Step.SAVING else ""
        if not account:
            text = "Start practice" if self.mode is Mode.PRACTICE else "Show real prices"
            ready = True
        elif vm.step is Step.TESTED:
            text, ready = "Add and connect" if vm.is_new else "Keep the key and connect", True
        else:
            ready = vm.has_keys or vm.is_locked
            kept = "Keep and connect" if vm.info.on_demand else "Connect with the kept keys"
            text = kept if ready else "Connect"
        set_text(self.go, busy or text)
        self.go.setEnabled(ready and not vm.is_busy)
        self.go.setToolTip("" if ready else f"{self.test.text()} first")

    def _render_report(self) -> None:
        vm = self._vm
        self.report.setVisible(vm.report is not None)
        while (item := self._report_box.takeAt(0)) is not None:
            widget = item.widget()
            if widget is not None:
                widget.hide()
                widget.deleteLater()
        if vm.report is None:
            return
        self._report_box.addWidget(label(f"The venue took the key {vm.report.label}".rstrip(), kind="title"))
        for permission in vm.permissions:
            sign = _SIGNS[permission.granted]
            kind = (
                "warning"
                if permission.risky and permission.granted
                else ""
                if permission.granted
                else "muted"
            )
            text = f"{sign}  {permission.name}{_ENDINGS[permission.granted]}"
            self._report_box.addWidget(label(text, kind=kind))
        for warning in vm.warnings:
            text_label = label(f"▲  {warning}", kind="warning")
            text_label.setWordWrap(True)
            self._report_box.addWidget(text_label)
        if vm.report is not self._shown_report:
            self._shown_report = vm.report
            self._bring_into_view(self.report)

    def _bring_into_view(self, part: QWidget) -> None:
        """Scroll to what is new, and follow it while the layout still makes room for it."""
        self._sought = part
        QTimer.singleShot(0, self, self._show_sought)
        self._settling.start()

    def _show_sought(self) -> None:
        if self._sought is not None:
            self._area.ensureWidgetVisible(self._sought, 0, 8)

    def _seek_no_more(self) -> None:
        self._show_sought()
        self._sought = None

    # -- slots ----------------------------------------------------------------------------------------

    def _on_link_clicked(self) -> None:
        QDesktopServices.openUrl(QUrl(self._vm.info.key_page_url))

    def _on_sign_in_clicked(self) -> None:
        if self._vm.question:
            self._vm.answer(self.pin.edit.text())
        else:
            self._vm.sign_in({key: field.edit.text() for key, field in self._sign_in_fields.items()})

    def _on_test_clicked(self) -> None:
        self._vm.test(self._entries())

    def _entries(self) -> dict[str, str]:
        entries = {key: field.edit.text() for key, field in self._fields.items() if key != PASSPHRASE}
        return entries | {
            key: "true" if flag.box.isChecked() else "false" for key, flag in self._flags.items()
        }

    def _on_forget_clicked(self) -> None:
        self._vm.forget(self._fields[PASSPHRASE].edit.text())

    def _on_go_clicked(self) -> None:
        if self.mode is not Mode.LIVE:
            self._vm.use(self.mode)
            return
        passphrase = self._fields[PASSPHRASE].edit.text()
        if self._vm.step is Step.TESTED:
            self._vm.save(passphrase)
        else:
            self._vm.use_kept_keys(passphrase, self._entries())

    def _on_finished(self) -> None:
        """Leave nothing behind: not in the fields, not in the view-model, not on the clipboard."""
        self._settling.stop()
        fields = (*self._fields.values(), *self._sign_in_fields.values())
        _clear_clipboard_later([field.edit.text() for field in fields])
        for field in fields:
            field.edit.clear()
        self._vm.clear()

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        exclude_from_capture(self)
        first = next(iter(self._fields.values()), None)
        if first is not None:
            first.edit.setFocus()


def _clear_clipboard_later(entries: list[str]) -> None:
    """Take a pasted key off the clipboard after half a minute, if it is still there."""
    held = QGuiApplication.clipboard().text().strip()
    if not held or held not in {entry.strip() for entry in entries}:
        return

    def clear() -> None:
        clipboard = QGuiApplication.clipboard()
        if clipboard.text().strip() == held:
            clipboard.clear()

    QTimer.singleShot(CLIPBOARD_CLEAR_S * 1000, clear)


def exclude_from_capture(window: QWidget) -> None:
    """Windows can keep a window out of screenshots and shared screens; elsewhere there is no such call."""
    if sys.platform == "win32":
        import ctypes

        with contextlib.suppress(OSError, AttributeError):
            ctypes.windll.user32.SetWindowDisplayAffinity(int(window.winId()), _EXCLUDE_FROM_CAPTURE)
