"""Signing in with a password, above the entries that it brings: practice accounts, the PIN and its mail."""

from __future__ import annotations

from functools import partial

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QFrame, QGridLayout, QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from terminal.viewmodels.connect import PIN, ConnectViewModel
from terminal.viewmodels.connection_ports import PracticeLogin
from terminal.widgets import theme
from terminal.widgets.controls import label, set_text
from terminal.widgets.entry_fields import EntryField

_ON_PAGE = "Its own page is open in another window. Go on there; this form waits."
_FETCHING = "Fetching the page's engine (about 160 MB, once)…"
_PAGE_TIP = "Opens the venue's page in a window of its own and takes its session over"


class SignInCard(QFrame):
    """The part of a venue's form that signs in.

    Signals:
        appeared: (widget) something new stands here and has to be seen.

    Attributes:
        fields: e-mail, password and whatever else the venue asks for, by key.
    """

    appeared = Signal(QWidget)

    def __init__(self, vm: ConnectViewModel, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._vm = vm
        self.fields: dict[str, EntryField] = {}
        self._logins: tuple[PracticeLogin, ...] = ()
        self._known: object = None
        self._was_signing_in = False
        self._prefilled: dict[str, str] = {}
        self._build_ui()

    def _build_ui(self) -> None:
        self.setProperty("kind", "card")
        box = QVBoxLayout(self)
        box.setContentsMargins(12, 10, 12, 10)
        box.setSpacing(6)
        box.addWidget(self._build_logins())
        for field in self._vm.info.password_fields:
            entry = EntryField(field.label, field.hint, secret=field.secret)
            entry.edit.textEdited.connect(lambda _, key=field.key: self._vm.touch(key))
            entry.edit.returnPressed.connect(self._on_sign_in_clicked)
            self.fields[field.key] = entry
            box.addWidget(entry)
        self.question = _paragraph()
        box.addWidget(self.question)
        self.mailbox = QFrame()
        self.mailbox.setProperty("kind", "card")
        mailbox = QVBoxLayout(self.mailbox)
        mailbox.setContentsMargins(10, 8, 10, 8)
        mailbox.setSpacing(2)
        self.mailbox_of = label(kind="label")
        self.mail = label()
        self.mail.setWordWrap(True)
        self.mail.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        mailbox.addWidget(self.mailbox_of)
        mailbox.addWidget(self.mail)
        box.addWidget(self.mailbox)
        self.pin = EntryField("PIN", "digits only", secret=False)
        self.pin.edit.textEdited.connect(lambda _: self._vm.touch(PIN))
        self.pin.edit.returnPressed.connect(self._on_sign_in_clicked)
        box.addWidget(self.pin)
        row = QHBoxLayout()
        row.setSpacing(8)
        self.sign_in = QPushButton()
        self.page = QPushButton()
        for button in (self.sign_in, self.page):
            button.setProperty("kind", "action")
            button.setAutoDefault(False)
            row.addWidget(button)
        row.addStretch(1)
        self.sign_in.clicked.connect(self._on_sign_in_clicked)
        self.page.clicked.connect(self._vm.sign_in_on_page)
        box.addLayout(row)
        self.or_paste = _paragraph("Or paste a session from your own browser below.")
        box.addWidget(self.or_paste)

    def _build_logins(self) -> QWidget:
        self.logins = QWidget()
        box = QVBoxLayout(self.logins)
        box.setContentsMargins(0, 0, 0, 4)
        box.setSpacing(4)
        box.addWidget(_paragraph("The practice site knows these made-up accounts:"))
        self._rows = QGridLayout()
        self._rows.setHorizontalSpacing(12)
        self._rows.setVerticalSpacing(2)
        self._rows.setColumnStretch(3, 1)
        box.addLayout(self._rows)
        return self.logins

    # -- drawing --------------------------------------------------------------------------------------

    def render_form(self) -> None:
        """Show how things stand."""
        vm = self._vm
        self._render_logins()
        self._prefill()
        for key, field in self.fields.items():
            field.show_problem(vm.problems.get(key, ""))
            field.edit.setEnabled(not vm.is_busy)
        # What was wrong with the last answer stands on a line of its own before the question.
        complaint, _, question = vm.question.rpartition("\n")
        asks, mail = bool(question), vm.mail
        waiting = _ON_PAGE if vm.on_page else _FETCHING if vm.is_fetching else ""
        set_text(self.question, question or waiting)
        self.question.setVisible(bool(question or waiting))
        self.mailbox.setVisible(mail is not None)
        if mail is not None:
            set_text(self.mailbox_of, f"Practice mailbox of {mail.email}")
            set_text(self.mail, f"From {vm.info.title} (practice): your PIN-code is {mail.pin}")
        is_new = asks and self.pin.isHidden()
        self.pin.setVisible(asks)
        self.pin.show_problem(vm.problems.get(PIN, complaint))
        if is_new:
            self.pin.edit.clear()
            self.pin.edit.setFocus()
            self.appeared.emit(self.pin)
        if self._was_signing_in and not vm.is_busy and vm.report is None:
            self.focus_last()
        self._was_signing_in = vm.is_signing_in
        self.logins.setEnabled(not vm.is_busy)
        self.or_paste.setVisible(not vm.is_busy)
        is_waiting = vm.is_signing_in and not asks and not waiting
        set_text(self.sign_in, "Signing in…" if is_waiting else "Send the PIN" if asks else "Sign in")
        self.sign_in.setEnabled(asks or not vm.is_busy)
        self.page.setVisible(vm.has_page)
        set_text(self.page, "Fetch its page and sign in…" if vm.fetches_page else "Sign in on its own page…")
        fetched = f"{_PAGE_TIP}, once its engine was downloaded (about 160 MB)"
        self.page.setToolTip(fetched if vm.fetches_page else _PAGE_TIP)
        self.page.setEnabled(not vm.is_busy)
        if vm.wants_page and self.page.property("kind") != "primary":
            self.appeared.emit(self.page)
        theme.set_property(self.page, "kind", "primary" if vm.wants_page else "action")

    def _render_logins(self) -> None:
        logins = self._vm.logins
        self.logins.setVisible(bool(logins))
        if logins == self._logins:
            return
        self._logins = logins
        while (item := self._rows.takeAt(0)) is not None:
            if (widget := item.widget()) is not None:
                widget.hide()
                widget.deleteLater()
        for at, login in enumerate(logins):
            words = (
                login.email,
                f"password {login.password}",
                "PIN by e-mail" if login.asks_pin else "no PIN",
            )
            for column, text in enumerate(words):
                told = label(text, kind="muted" if column == 2 else "")
                told.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
                self._rows.addWidget(told, at, column)
            button = QPushButton("Fill in")
            button.setProperty("kind", "link")
            button.setAutoDefault(False)
            button.setAccessibleName(f"Fill in {login.email}")
            button.clicked.connect(partial(self._fill_in, login))
            self._rows.addWidget(button, at, 3, Qt.AlignmentFlag.AlignRight)

    def _prefill(self) -> None:
        """Once for each look at what is kept; what the person has typed meanwhile stays."""
        known = self._vm.known
        if known is self._known:
            return
        self._known = known
        for key, field in self.fields.items():
            if field.edit.text() == self._prefilled.get(key, ""):
                field.edit.setText(known.get(key, ""))
                self._prefilled[key] = known.get(key, "")
        if any(field.edit.hasFocus() for field in self.fields.values()):
            self.focus_first()

    # -- what the person does -------------------------------------------------------------------------

    def focus_first(self) -> None:
        """The keyboard goes to the first entry that is empty."""
        empty = [field for field in self.fields.values() if not field.edit.text()]
        for field in (empty or list(self.fields.values()))[:1]:
            field.edit.setFocus()

    def focus_last(self) -> None:
        """The keyboard goes to the last entry, whose Enter signs in."""
        for field in list(self.fields.values())[-1:]:
            field.edit.setFocus()

    def _fill_in(self, login: PracticeLogin) -> None:
        for key, text in (("email", login.email), ("password", login.password)):
            if key in self.fields:
                self.fields[key].edit.setText(text)
                self._vm.touch(key)
        self.focus_last()

    def _on_sign_in_clicked(self) -> None:
        if self._vm.question:
            self._vm.answer(self.pin.edit.text())
        else:
            self._vm.sign_in({key: field.edit.text() for key, field in self.fields.items()})


def _paragraph(text: str = "") -> QLabel:
    out = label(text, kind="label")
    out.setWordWrap(True)
    return out
