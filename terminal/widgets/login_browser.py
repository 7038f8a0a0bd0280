"""The window in which a person signs in at a venue's own page.

It runs in a process of its own (``terminal/app/sign_in_window.py``): a crash of the page's engine takes no
terminal down, its memory goes back, and the terminal itself never reads a foreign page. Nothing of it is
kept: no cookies, no cache, no permission. Only the hosts of the sign-in may load; the address that ends it
is caught before anything is requested from there.
"""

from __future__ import annotations

import ipaddress
import json
from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import QTimer, QUrl, Signal
from PySide6.QtGui import QCloseEvent, Qt
from PySide6.QtNetwork import QNetworkCookie, QSslCertificate, QSslConfiguration
from PySide6.QtWebEngineCore import (
    QWebEngineCertificateError,
    QWebEngineDownloadRequest,
    QWebEnginePage,
    QWebEnginePermission,
    QWebEngineProfile,
    QWebEngineSettings,
    QWebEngineUrlRequestInfo,
    QWebEngineUrlRequestInterceptor,
)
from PySide6.QtWebEngineWidgets import QWebEngineView
from PySide6.QtWidgets import QHBoxLayout, QLabel, QLineEdit, QProgressBar, QVBoxLayout, QWidget

from terminal.widgets import theme
from terminal.widgets.controls import label
from terminal.widgets.icons import icon

_OFF = (
    QWebEngineSettings.WebAttribute.JavascriptCanOpenWindows,
    QWebEngineSettings.WebAttribute.LocalContentCanAccessFileUrls,
    QWebEngineSettings.WebAttribute.LocalContentCanAccessRemoteUrls,
    QWebEngineSettings.WebAttribute.JavascriptCanAccessClipboard,
    QWebEngineSettings.WebAttribute.WebGLEnabled,
    QWebEngineSettings.WebAttribute.NavigateOnDropEnabled,
    QWebEngineSettings.WebAttribute.ErrorPageEnabled,
    QWebEngineSettings.WebAttribute.PdfViewerEnabled,
    QWebEngineSettings.WebAttribute.PluginsEnabled,
    QWebEngineSettings.WebAttribute.ScreenCaptureEnabled,
    QWebEngineSettings.WebAttribute.DnsPrefetchEnabled,
    QWebEngineSettings.WebAttribute.HyperlinkAuditingEnabled,
    QWebEngineSettings.WebAttribute.AllowRunningInsecureContent,
)
_COOKIES_MS = 300
_AUTHORITY_ERRORS = frozenset(
    {
        QWebEngineCertificateError.Type.CertificateAuthorityInvalid,
        QWebEngineCertificateError.Type.CertificateKnownInterceptionBlocked,
    }
)


def is_allowed(host: str, hosts: Sequence[str]) -> bool:
    """Whether a host is one of those given; ``.example.com`` stands for its subdomains."""
    host = host.casefold()
    return any(
        host.endswith(each.casefold()) if each.startswith(".") else host == each.casefold() for each in hosts
    )


def is_answer(url: str, redirect_url: str) -> bool:
    """Whether an address is the one that ends the sign-in: same scheme, host, port and path."""
    found, wanted = QUrl(url), QUrl(redirect_url)
    return (
        (found.scheme(), found.host(), found.port(), found.path())
        == (wanted.scheme(), wanted.host(), wanted.port(), wanted.path())
    )  # fmt: skip


class _Gate(QWebEngineUrlRequestInterceptor):
    """Lets requests to the hosts of the sign-in pass, over TLS, and no others."""

    def __init__(self, hosts: Sequence[str]) -> None:
        super().__init__()
        self._hosts = tuple(hosts)
        self.blocked: list[str] = []

    def interceptRequest(self, info: QWebEngineUrlRequestInfo) -> None:
        url = info.requestUrl()
        if url.scheme() in ("data", "blob"):
            return
        if url.scheme() != "https" or not is_allowed(url.host(), self._hosts):
            self.blocked.append(url.host())
            info.block(True)


class LoginPage(QWebEnginePage):
    """The page: catches the answer, refuses everything that a sign-in does not need.

    Signals:
        answered: the address that ends the sign-in, with its query.
        failed: one plain sentence.
    """

    answered = Signal(str)
    failed = Signal(str)

    def __init__(
        self,
        profile: QWebEngineProfile,
        redirect_url: str,
        hosts: Sequence[str],
        ca_file: str,
        *,
        loads_answer: bool = False,
    ) -> None:
        """``loads_answer``: the page at ``redirect_url`` is wanted itself, so it is loaded."""
        super().__init__(profile)
        self._redirect_url = "" if loads_answer else redirect_url
        self._hosts = tuple(hosts)
        self._ca_file = ca_file
        settings = self.settings()
        for attribute in _OFF:
            settings.setAttribute(attribute, False)
        self.certificateError.connect(self._on_certificate_error)
        self.permissionRequested.connect(_deny)
        self.renderProcessTerminated.connect(lambda *_: self.failed.emit("The sign-in page has crashed."))

    def acceptNavigationRequest(
        self, url: QUrl | str, kind: QWebEnginePage.NavigationType, is_main: bool
    ) -> bool:
        address = QUrl(url)
        text = address.toString(QUrl.ComponentFormattingOption.FullyEncoded)
        if is_main and self._redirect_url and is_answer(text, self._redirect_url):
            # Not from inside the engine's own call.
            QTimer.singleShot(0, self, lambda: self.answered.emit(text))
            return False
        return address.scheme() == "https" and is_allowed(address.host(), self._hosts)

    def createWindow(self, kind: QWebEnginePage.WebWindowType) -> QWebEnginePage | None:  # type: ignore[override]
        return None

    def _on_certificate_error(self, error: QWebEngineCertificateError) -> None:
        if self._is_of_practice(error):
            error.acceptCertificate()
            return
        error.rejectCertificate()
        self.failed.emit(
            f"The certificate of {error.url().host()} is not to be trusted ({error.description()}), so the "
            "page was not opened."
        )

    def _is_of_practice(self, error: QWebEngineCertificateError) -> bool:
        """A certificate of the practice venue's own authority, on this machine, for this very host."""
        host = error.url().host()
        if not self._ca_file or not _is_loopback(host) or error.type() not in _AUTHORITY_ERRORS:
            return False
        authorities = QSslCertificate.fromPath(self._ca_file)
        if not authorities:
            return False
        before = QSslConfiguration.defaultConfiguration()
        trusting = QSslConfiguration(before)
        trusting.setCaCertificates(authorities)
        QSslConfiguration.setDefaultConfiguration(trusting)
        try:
            return not QSslCertificate.verify(error.certificateChain(), host)
        finally:
            QSslConfiguration.setDefaultConfiguration(before)


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _deny(permission: QWebEnginePermission) -> None:
    permission.deny()


def _cancel(download: QWebEngineDownloadRequest) -> None:
    download.cancel()


class LoginWindow(QWidget):
    """The sign-in window: the page, and above it whose page it is.

    Signals:
        answered: the address that ends the sign-in. failed: one plain sentence. closed: the person closed it.
    """

    answered = Signal(str)
    failed = Signal(str)
    closed = Signal()

    def __init__(
        self,
        title: str,
        url: str,
        redirect_url: str,
        hosts: Sequence[str],
        ca_file: str = "",
        session_expression: str = "",
    ) -> None:
        """``session_expression``: the answer is the session of the page at ``redirect_url``, see
        :class:`terminal.venues.base.SignInPage`."""
        super().__init__()
        self._arrival = QUrl(redirect_url).path()
        self._expression = session_expression
        self._cookies: dict[tuple[str, str], str] = {}
        if ca_file and not Path(ca_file).is_file():
            ca_file = ""
        self._url = QUrl(url)
        # Without a name it is off the record: cookies and cache in memory, nothing on disk.
        self._profile = QWebEngineProfile(self)
        self._profile.setHttpCacheType(QWebEngineProfile.HttpCacheType.NoCache)
        self._profile.setPersistentCookiesPolicy(
            QWebEngineProfile.PersistentCookiesPolicy.NoPersistentCookies
        )
        self._profile.setPersistentPermissionsPolicy(
            QWebEngineProfile.PersistentPermissionsPolicy.AskEveryTime
        )
        self._gate = _Gate(hosts)
        self._profile.setUrlRequestInterceptor(self._gate)
        self._profile.downloadRequested.connect(_cancel)
        self._profile.cookieStore().cookieAdded.connect(self._on_cookie)
        self.page = LoginPage(
            self._profile, redirect_url, hosts, ca_file, loads_answer=bool(session_expression)
        )
        self._build_ui(title)
        self.page.answered.connect(self.answered)
        self.page.failed.connect(self.failed)
        self.page.loadFinished.connect(self._on_load_finished)
        self.page.urlChanged.connect(self._on_url_changed)
        self.page.loadProgress.connect(self._progress.setValue)

    def _build_ui(self, title: str) -> None:
        self.setWindowTitle(title)
        self.resize(520, 720)
        box = QVBoxLayout(self)
        box.setContentsMargins(0, 0, 0, 0)
        box.setSpacing(0)
        bar = QHBoxLayout()
        bar.setContentsMargins(12, 8, 12, 8)
        bar.setSpacing(8)
        lock = QLabel()
        lock.setPixmap(icon("lock", theme.TEXT_2).pixmap(16, 16))
        lock.setToolTip("The connection is encrypted and its certificate was checked")
        bar.addWidget(lock)
        self.address = QLineEdit()
        self.address.setReadOnly(True)
        self.address.setAccessibleName("Address of the page")
        self.address.setFocusPolicy(Qt.FocusPolicy.ClickFocus)
        bar.addWidget(self.address, 1)
        box.addLayout(bar)
        self._progress = QProgressBar()
        self._progress.setTextVisible(False)
        self._progress.setFixedHeight(2)
        box.addWidget(self._progress)
        self.view = QWebEngineView(self)
        self.view.setPage(self.page)
        self.view.setContextMenuPolicy(Qt.ContextMenuPolicy.NoContextMenu)
        box.addWidget(self.view, 1)
        text = "Nothing of this page is kept. The terminal does not see what you type here."
        if self._expression:
            text = "Signed in, the terminal takes the session over. It does not see what you type."
        note = label(text, kind="label")
        note.setWordWrap(True)
        note.setContentsMargins(12, 6, 12, 6)
        box.addWidget(note)

    def open(self) -> None:
        """Show the window and load the page."""
        self.show()
        self.raise_()
        self.activateWindow()
        self.page.load(self._url)

    def shut(self) -> None:
        """Let go of the page before its profile."""
        self.hide()
        self.view.setPage(None)  # type: ignore[arg-type]
        self.page.deleteLater()
        self.deleteLater()

    def _on_url_changed(self, url: QUrl) -> None:
        # The query may hold what nobody should read over a shoulder.
        shown = QUrl(url)
        shown.setQuery("")
        self.address.setText(shown.toString().removesuffix("?"))
        self.address.setCursorPosition(0)

    def _on_load_finished(self, ok: bool) -> None:
        self._progress.setVisible(False)
        if not ok and self.page.url().isEmpty():
            self.failed.emit(f"The page of {self._url.host()} did not open. Check the network and try again.")
        elif ok and self._expression and self._has_arrived():
            self.page.runJavaScript(self._expression, 0, self._on_session)

    def _has_arrived(self) -> bool:
        """At the page that ends it, in whatever language."""
        end = self._arrival.rpartition("/")[2]
        return bool(end) and self.page.url().path().rstrip("/").endswith(f"/{end}")

    def _on_session(self, value: object) -> None:
        if not isinstance(value, str) or not value:
            return  # not signed in yet
        # The engine tells of cookies from another process, so the last ones may come after the page.
        QTimer.singleShot(_COOKIES_MS, self, lambda: self._answer_with(value))

    def _answer_with(self, value: str) -> None:
        host = self.page.url().host()
        pairs = [
            f"{name}={text}"
            for (domain, name), text in self._cookies.items()
            if is_allowed(host, (domain.lstrip("."), f".{domain.lstrip('.')}"))
        ]
        answer = {
            "value": value,
            "cookies": "; ".join(pairs),
            "user_agent": self._profile.httpUserAgent(),
        }
        self.answered.emit(json.dumps(answer))

    def _on_cookie(self, cookie: QNetworkCookie) -> None:
        key = (cookie.domain(), cookie.name().toStdString())
        self._cookies[key] = cookie.value().toStdString()

    def closeEvent(self, event: QCloseEvent) -> None:
        self.closed.emit()
        super().closeEvent(event)
