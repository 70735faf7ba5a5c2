"""What every page's HTML must be, found with Python's own parser."""

from html.parser import HTMLParser

_VOID = frozenset({"br", "hr", "img", "input", "link", "meta"})
_SVG_VOID = frozenset({"circle", "path"})
_FIELDS = frozenset({"input", "select", "textarea"})
Attributes = list[tuple[str, str | None]]


class Markup(HTMLParser):
    """A page as parsed: its elements, and what is wrong with them."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.mistakes: list[str] = []
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.texts: dict[str, str] = {}
        self._open: list[str] = []
        self.feed(text)
        self.close()
        if self._open:
            self.mistakes.append(f"never closed: {self._open}")
        self._check_document()
        self._check_fields()

    def handle_starttag(self, tag: str, attrs: Attributes) -> None:
        given = {name: value or "" for name, value in attrs}
        if len(given) != len(attrs):
            self.mistakes.append(f"attribute twice: {tag} {attrs}")
        if tag != "title" or "svg" not in self._open:
            self.elements.append((tag, given))
        if tag not in _VOID and tag not in _SVG_VOID:
            self._open.append(tag)
        for name in given:
            if name == "style" or name.startswith("on"):
                self.mistakes.append(f"the policy forbids {name} on {tag}")
        if tag == "script" and not given.get("src", "").startswith("/static/"):
            self.mistakes.append("the policy forbids a script in the page")

    def handle_startendtag(self, tag: str, attrs: Attributes) -> None:
        self.elements.append((tag, {name: value or "" for name, value in attrs}))

    def handle_endtag(self, tag: str) -> None:
        if not self._open or self._open.pop() != tag:
            self.mistakes.append(f"</{tag}> closes nothing")

    def handle_data(self, data: str) -> None:
        if self._open:
            self.texts[self._open[-1]] = self.texts.get(self._open[-1], "") + data

    def all(self, tag: str) -> list[dict[str, str]]:
        """Return the attributes of each element of a tag."""
        return [given for found, given in self.elements if found == tag]

    def forms(self) -> list[str]:
        """Return where the forms of the page itself lead; those of the header left out."""
        return [
            form["action"]
            for form in self.all("form")
            if form["action"] not in ("/sign-out", "/language")
        ]

    def _check_document(self) -> None:
        if [one.get("lang") in ("fr", "en") for one in self.all("html")] != [True]:
            self.mistakes.append("no language")
        for tag in ("h1", "title", "main", "header", "footer"):
            if len(self.all(tag)) != 1:
                self.mistakes.append(f"{len(self.all(tag))} {tag}")
        ids = [given["id"] for _, given in self.elements if "id" in given]
        self.mistakes.extend(f"id twice: {one}" for one in set(ids) if ids.count(one) > 1)
        for _, given in self.elements:
            for name in ("aria-labelledby", "aria-describedby", "for"):
                if name in given and given[name] not in ids:
                    self.mistakes.append(f"{name} names nothing: {given[name]}")

    def _check_fields(self) -> None:
        labelled = {given.get("for") for given in self.all("label")}
        for tag, given in self.elements:
            hidden = given.get("type") == "hidden" or "hidden" in given
            if tag in _FIELDS and not hidden and given.get("id") not in labelled:
                self.mistakes.append(f"no label: {given}")
        for form in self.all("form"):
            if form.get("method") not in ("get", "post") or not form.get("action", "").startswith(
                "/"
            ):
                self.mistakes.append(f"form: {form}")
