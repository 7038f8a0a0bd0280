"""Connecting a venue: practice, its real prices, or an account, with a form built from what it asks for."""

from __future__ import annotations

from typing import Final

from PySide6.QtCore import QEvent, Qt, QTimer, QUrl
from PySide6.QtGui import QDesktopServices, QGuiApplication, QKeyEvent, QShowEvent
from PySide6.QtWidgets import (
    QDialog,
    QFrame,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QRadioButton,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)

from terminal.viewmodels.connect import PASSPHRASE, ConnectViewModel, Step
from terminal.viewmodels.connection import Mode
from terminal.widgets.controls import label, line, set_text
from terminal.widgets.entry_fields import EntryField, FlagField, exclude_from_capture
from terminal.widgets.icons import icon
from terminal.widgets.sign_in_card import SignInCard
from terminal.widgets.venue_strip import UNOFFICIAL

CLIPBOARD_CLEAR_S = 30
_SIGNS: Final[dict[bool | None, str]] = {True: "✓", False: "–", None: "?"}
_ENDINGS: Final[dict[bool | None, str]] = {
    True: "",
    False: ": not granted",
    None: ": the venue does not tell",
}
_SETTLED_MS = 300  # by then the layout has made room for whatever came


class ConnectDialog(QDialog):
    """One venue's connection. It closes by itself once the venue is connected as chosen."""

    def __init__(self, vm: ConnectViewModel, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._vm = vm
        self._fields: dict[str, EntryField] = {}
        self._flags: dict[str, FlagField] = {}
        self.card: SignInCard | None = None
        self._has_begun = False
        self._shown_report: object = None
        self._sought: QWidget | None = None
        self._settling = QTimer(self)
        self._settling.setSingleShot(True)
        self._settling.setInterval(_SETTLED_MS)
        self._settling.timeout.connect(self._seek_no_more)
        self._build_ui()
        self._bind()
        self._choose(vm.mode)
        vm.start()

    def _build_ui(self) -> None:
        info = self._vm.info
        title = f"Add {info.added_as}" if self._vm.is_new else f"Connect {info.title}"
        self.setWindowTitle(title)
        self.resize(580 if self._vm.can_sign_in else 540, 680)
        box = QVBoxLayout(self)
        box.setContentsMargins(18, 16, 18, 14)
        box.setSpacing(10)
        heading = QHBoxLayout()
        heading.addWidget(label(title, kind="heading"))
        heading.addStretch(1)
        if info.unofficial:
            heading.addWidget(label(UNOFFICIAL, kind="warning"))
        box.addLayout(heading)
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
        self.kept = label(kind="title")
        self.kept.setWordWrap(True)
        box.addWidget(self.kept)
        self.guide = QWidget()
        guide = QVBoxLayout(self.guide)
        guide.setContentsMargins(0, 0, 0, 0)
        guide.setSpacing(8)
        if info.key_guide:
            guide.addWidget(self._paragraph(info.key_guide))
        if info.key_page_url.startswith("https://"):
            what = "page" if self._vm.can_sign_in else "key page"
            link = QPushButton("Open the guide" if info.on_demand else f"Open the {what} of {info.title}")
            link.setProperty("kind", "link")
            link.setCursor(Qt.CursorShape.PointingHandCursor)
            link.setToolTip(info.key_page_url)
            link.clicked.connect(self._on_link_clicked)
            guide.addWidget(link, 0, Qt.AlignmentFlag.AlignLeft)
        box.addWidget(self.guide)
        if self._vm.can_sign_in:
            self.card = SignInCard(self._vm)
            self.card.appeared.connect(self._bring_into_view)
            box.addWidget(self.card)
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
        self.forget = QPushButton(icon("trash"), "Remove…" if info.on_demand else "")
        self.forget.setProperty("kind", "action")
        self.cancel = QPushButton("Cancel")
        self.cancel.setProperty("kind", "action")
        self.test = QPushButton()
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
        self.cancel.clicked.connect(self._on_cancel_clicked)
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
            self._vm.choose(self.mode)
            self._render()

    # -- drawing --------------------------------------------------------------------------------------

    def _render(self) -> None:
        if not hasattr(self, "go"):
            return
        vm = self._vm
        self.form.setVisible(vm.offers_form)
        self.guide.setVisible(vm.mode is Mode.LIVE)
        self._render_kept()
        can_remove = vm.info.on_demand and not vm.is_new
        self.forget.setVisible(vm.offers_form and (vm.has_keys or can_remove))
        self.test.setVisible(vm.offers_form)
        lacks_passphrase = PASSPHRASE in vm.problems and self._fields[PASSPHRASE].problem.isHidden()
        for key, field in self._fields.items():
            field.show_problem(vm.problems.get(key, ""))
            field.edit.setEnabled(not vm.is_busy)
        for flag in self._flags.values():
            flag.setEnabled(not vm.is_busy)
        if self.card is not None:
            self.card.render_form()
        passphrase = self._fields[PASSPHRASE]
        is_new = vm.needs_passphrase and not passphrase.isVisibleTo(self.form)
        passphrase.setVisible(vm.needs_passphrase)
        if is_new and (vm.step is Step.TESTED or vm.is_locked or self.card is None):
            # A form that begins with a sign-in is read from its top: the passphrase comes after that.
            self._bring_into_view(passphrase)
        if lacks_passphrase:
            self._bring_into_view(passphrase)
            passphrase.edit.setFocus()
        set_text(self.store, vm.key_store)
        for button in self.choices.values():
            button.setEnabled(not vm.is_busy)
        set_text(self.error, vm.error)
        self.error.setVisible(bool(vm.error))
        test = "Test the connection" if vm.info.on_demand else f"Test the {self._noun}"
        set_text(self.test, "Testing…" if vm.step is Step.TESTING else test)
        self.test.setEnabled(not vm.is_busy)
        self.forget.setEnabled(not vm.is_busy)
        if vm.info.on_demand:
            set_text(self.forget, "Remove it" if vm.leaving else "Remove…")
        elif vm.mode is Mode.PRACTICE:
            set_text(self.forget, "Sign out")
            self.forget.setIcon(icon("power"))
        else:
            self.forget.setIcon(icon("trash"))
            set_text(self.forget, "Forget the kept session" if vm.can_sign_in else "Forget kept keys")
        set_text(self.leaving, vm.leaving)
        self.leaving.setVisible(bool(vm.leaving))
        page = "Close the page" if vm.on_page else "Give up the sign-in"
        set_text(self.cancel, page if vm.is_signing_in else "Cancel")
        self._render_go()
        self._render_report()

    @property
    def _noun(self) -> str:
        """What the venue proves somebody by."""
        return "session" if self._vm.can_sign_in else "key"

    def _render_kept(self) -> None:
        vm = self._vm
        who = next((vm.known[field.key] for field in vm.info.password_fields if field.key in vm.known), "")
        as_who = f" as {who}" if who else ""
        if vm.trouble:
            text = f"{vm.trouble} Sign in again."
        elif vm.mode is Mode.PRACTICE:
            text = (
                f"Signed in to the practice site{as_who}."
                if vm.has_keys
                else "Signed out of the practice site."
            )
        elif vm.can_sign_in:
            text = f"A session{' of ' + who if who else ''} is kept on this machine."
        else:
            text = "Keys for this venue are kept on this machine."
        set_text(self.kept, text)
        self.kept.setVisible(bool(vm.has_keys or vm.trouble or (vm.mode is Mode.PRACTICE and vm.offers_form)))

    def _render_go(self) -> None:
        vm = self._vm
        busy = "Connecting…" if vm.step is Step.SAVING else ""
        if vm.report is not None:
            text, ready = "Add and connect" if vm.is_new else f"Keep the {self._noun} and connect", True
        elif vm.mode is not Mode.LIVE:
            text = "Start practice" if vm.mode is Mode.PRACTICE else "Show real prices"
            # What is on already would only be cut for a moment.
            ready = not (vm.offers_form and vm.current is vm.mode and vm.has_keys and not vm.trouble)
        else:
            ready = (vm.has_keys or vm.is_locked) and not vm.trouble
            with_kept = "Connect with the kept session" if vm.can_sign_in else "Connect with the kept keys"
            kept = "Keep and connect" if vm.info.on_demand else with_kept
            text = kept if ready else "Connect"
        set_text(self.go, busy or text)
        self.go.setEnabled(ready and not vm.is_busy)
        first = "Sign in again, or test a session" if vm.trouble else self.test.text()
        why = f"{first} first" if vm.mode is Mode.LIVE else "It is on already"
        self.go.setToolTip("" if ready else why)

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
        of_whom = f"of {vm.report.label}" if vm.can_sign_in and vm.report.label else vm.report.label
        took = f"The venue took the {self._noun} {of_whom}".rstrip()
        self._report_box.addWidget(label(took, kind="title"))
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
            if self.card is not None:
                self.go.setFocus()

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

    def _on_cancel_clicked(self) -> None:
        """A sign-in that is under way is given up first: what was entered stays."""
        if self._vm.is_signing_in:
            self._vm.give_up()
        else:
            self.reject()

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
        passphrase = self._fields[PASSPHRASE].edit.text()
        if self._vm.step is Step.TESTED:
            self._vm.save(passphrase)
        elif self._vm.mode is not Mode.LIVE:
            self._vm.use(self._vm.mode)
        else:
            self._vm.use_kept_keys(passphrase, self._entries())

    def _on_finished(self) -> None:
        """Leave nothing behind: not in the fields, not in the view-model, not on the clipboard."""
        self._settling.stop()
        signing_in = self.card.fields.values() if self.card is not None else ()
        fields = (*self._fields.values(), *signing_in)
        _clear_clipboard_later([field.edit.text() for field in fields])
        for field in fields:
            field.edit.clear()
        self._vm.clear()

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        exclude_from_capture(self)

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        # Not before the window is the active one: an entry that is left before then keeps its cursor.
        if event.type() is QEvent.Type.ActivationChange and self.isActiveWindow() and not self._has_begun:
            self._has_begun = True
            first = next(iter(self._fields.values()), None)
            if self.card is not None:
                self.card.focus_first()
            elif first is not None:
                first.edit.setFocus()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Escape:
            self._on_cancel_clicked()
        else:
            super().keyPressEvent(event)


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
