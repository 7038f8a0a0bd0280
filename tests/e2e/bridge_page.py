"""A web page that tries to reach the bridge, in a browser of its own process.

``python -m tests.e2e.bridge_page``: reads the task from standard input as JSON (``port`` of the bridge,
``body`` of a call whose keys are right), opens a page from another address of this machine and one whose name
was made to point at the bridge, lets both try all that a page can, and prints what they were told. Each
attempt has a path of its own, so that the bridge's list of calls shows whether it came.
"""

from __future__ import annotations

import http.server
import json
import os
import sys
import threading
from functools import partial

REBOUND = "rebound.example"
"""A name of the attacker's that leads to this machine since the page was loaded."""

PAGE = """<!doctype html><meta charset="utf-8"><title>waiting</title><body><script>
const at = BASE, body = BODY, told = {};
const plain = {"Content-Type": "text/plain"}, json = {"Content-Type": "application/json"};
const asked = (name, options) => fetch(at + name, {method: "POST", body, ...options})
  .then(answer => answer.type === "opaque" ? "opaque" : answer.text())
  .catch(error => "failed").then(text => { told[name] = text; });
const image = name => new Promise(done => {
  const picture = new Image();
  picture.onload = () => { told[name] = "loaded"; done(); };
  picture.onerror = () => { told[name] = "failed"; done(); };
  picture.src = at + name;
});
const socket = name => new Promise(done => {
  const line = new WebSocket(at.replace("http", "ws") + name);
  line.onopen = () => { told[name] = "open"; done(); };
  line.onerror = () => { told[name] = "failed"; done(); };
});
const form = (name, enctype) => new Promise(done => {
  const frame = document.createElement("iframe");
  frame.name = name;
  document.body.append(frame);
  const sheet = document.createElement("form");
  Object.assign(sheet, {method: "POST", action: at + name, enctype, target: name});
  const field = document.createElement("input");
  field.type = "hidden";
  // As plain text it is sent as NAME=VALUE, which makes the body a JSON object with one more text in it.
  field.name = body.slice(0, -1) + ',"x":"';
  field.value = '"}';
  sheet.append(field);
  document.body.append(sheet);
  frame.onload = () => { told[name] = "left"; done(); };
  sheet.submit();
});
(async () => {
  await asked("fetch-simple", {headers: plain});
  await asked("fetch-preflight", {headers: json});
  await asked("fetch-no-cors", {mode: "no-cors", headers: plain, referrerPolicy: "no-referrer"});
  await asked("fetch-get", {method: "GET", body: undefined, mode: "no-cors", referrerPolicy: "no-referrer"});
  told["beacon"] = String(navigator.sendBeacon(at + "beacon", body));
  await form("form-plain", "text/plain");
  await form("form-urlencoded", "application/x-www-form-urlencoded");
  await image("image");
  await socket("socket");
  document.title = JSON.stringify(told);
})();
</script>"""


class PageServer(http.server.BaseHTTPRequestHandler):
    def __init__(self, page: bytes, *args: object) -> None:
        self._page = page
        super().__init__(*args)  # type: ignore[arg-type]

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Content-Length", str(len(self._page)))
        self.end_headers()
        self.wfile.write(self._page)

    def log_message(self, *args: object) -> None:
        """Quiet."""


def page_of(base: str, body: str) -> str:
    """The page, which calls under ``base``."""
    # A "<" in a script's text could end the script.
    return PAGE.replace("BASE", json.dumps(base)).replace("BODY", json.dumps(body).replace("<", "\\u003c"))


def main() -> None:
    task = json.loads(sys.stdin.readline())
    port, body = task["port"], task["body"]
    os.environ["QTWEBENGINE_CHROMIUM_FLAGS"] = (
        f'--disable-gpu --host-resolver-rules="MAP {REBOUND} 127.0.0.1" --no-proxy-server'
    )
    import shiboken6
    from PySide6.QtCore import QTimer, QUrl
    from PySide6.QtWebEngineCore import QWebEnginePage, QWebEngineProfile
    from PySide6.QtWidgets import QApplication

    served = page_of(f"http://127.0.0.1:{port}/", body).encode()
    # Another origin on the same machine, which every browser lets a page of any other name reach too.
    server = http.server.ThreadingHTTPServer(("127.0.0.2", 0), partial(PageServer, served))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    app = QApplication(sys.argv[:1])
    profile = QWebEngineProfile()
    page = QWebEnginePage(profile)
    told: dict[str, object] = {}
    scripts = page_of(f"http://{REBOUND}:{port}/rebound-", body)
    script = scripts[scripts.index("<script>") + len("<script>") : scripts.index("</script>")]

    def on_title(title: str) -> None:
        if not title.startswith("{"):
            return
        if "foreign" not in told:
            told["foreign"] = json.loads(title)
            page.load(QUrl(f"http://{REBOUND}:{port}/rebound-page"))
        else:
            told["rebound"] = json.loads(title)
            app.quit()

    def on_loaded(ok: bool) -> None:
        # The bridge's refusal is the document, and its origin is the attacker's name with our port.
        if page.url().host() == REBOUND and "rebound" not in told:
            page.runJavaScript(script)

    page.titleChanged.connect(on_title)
    page.loadFinished.connect(on_loaded)
    QTimer.singleShot(40_000, app.quit)
    page.load(QUrl(f"http://127.0.0.2:{server.server_port}/"))
    app.exec()
    shiboken6.delete(page)  # before its profile
    shiboken6.delete(profile)
    print(json.dumps(told), flush=True)
    server.shutdown()


if __name__ == "__main__":
    main()
