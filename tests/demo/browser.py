"""A browser that notes whatever a page does that it should not."""

from urllib.parse import urlsplit

from axe_playwright_python.sync_playwright import Axe

DESKTOP, PHONE = (1200, 900), (390, 844)
SERIOUS = {"serious", "critical"}
PATIENCE = 600_000
"""Milliseconds: tests run beside others, and what takes long is judged by processor time."""


def judge(watched, address):
    """Nothing went wrong up to here, and nobody else was asked for anything."""
    assert watched.wrong == []
    assert watched.hosts == {address.split("//")[1]}
    assert watched.overflow() <= 0


class Watched:
    """A page of the app, and what went wrong on it."""

    def __init__(self, browser, address, size=DESKTOP):
        context = browser.new_context(
            viewport={"width": size[0], "height": size[1]},
            accept_downloads=True,
            has_touch=size == PHONE,
            is_mobile=size == PHONE,
        )
        context.set_default_timeout(PATIENCE)
        self.page = context.new_page()
        self.width = size[0]
        self.wrong = []
        self.hosts = set()
        self.page.on("console", self._on_console)
        self.page.on("pageerror", lambda error: self.wrong.append(f"page: {error}"))
        self.page.on("request", self._on_request)
        self.page.on("response", self._on_response)
        self.page.on("dialog", self._on_dialog)
        self.page.goto(address)
        self.page.get_by_role("button", name="Run the audit").wait_for()

    def press(self, name):
        """Press a button that can be seen."""
        self.page.get_by_role("button", name=name).locator("visible=true").click()

    def tab(self, name):
        """Open a tab, in the menu where a phone has no room for it."""
        tab = self.page.get_by_role("tab", name=name).locator("visible=true")
        if not tab.count():
            self.page.locator(".overflow-menu button").first.click()
            tab = self.page.locator(".overflow-dropdown button", has_text=name)
        tab.click()

    def see(self, text):
        """Wait for a text to be on the page."""
        self.page.get_by_text(text).locator("visible=true").first.wait_for()

    def settled(self):
        """Wait until nothing is being computed: what is shown then is the answer."""
        self.page.wait_for_function(
            "!/processing \\||queue: /.test(document.body.innerText)"
            " && !document.querySelector('.translucent:not(.hide)')"
        )

    def violations(self):
        """What axe finds that is serious, in one line each."""
        self.settled()
        found = Axe().run(self.page).response["violations"]
        return [
            f"{v['id']}: {v['help']}: {node['html'][:200]}"
            for v in found
            if v["impact"] in SERIOUS
            for node in v["nodes"]
        ]

    def overflow(self):
        """Pixels by which the page is wider than its window."""
        return self.page.evaluate("document.documentElement.scrollWidth") - self.width

    def _on_console(self, message):
        if message.type == "error":
            self.wrong.append(f"console: {message.text}")

    def _on_request(self, request):
        parts = urlsplit(request.url)
        if parts.scheme not in ("data", "blob"):
            self.hosts.add(parts.netloc)

    def _on_response(self, response):
        if response.status >= 400:
            self.wrong.append(f"{response.status}: {response.url}")

    def _on_dialog(self, dialog):
        self.wrong.append(f"dialog: {dialog.message}")
        dialog.dismiss()
