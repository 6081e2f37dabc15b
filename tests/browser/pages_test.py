"""Pages of the catalogue in headless Chromium: what a hostile server wrote stays text, nothing is asked for outside, the search narrows.

CALLGATE=build/release/callgate python3 tests/browser/pages_test.py [--picture FILE]
"""
import html.parser
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest
import urllib.parse

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
OUR_TAGS = {"html", "head", "meta", "title", "link", "script", "body", "a", "nav", "ol", "ul", "li", "main", "h1", "h2", "h3", "p", "span", "code", "q", "section", "div", "table", "thead", "tbody",
            "tr", "th", "td", "pre", "details", "summary", "footer", "form", "label", "input", "select", "option"}
HOSTILE = ["<script>document.title='RAN'</script>", "\"><img src=x onerror=\"document.title='RAN'\">", "</title><svg onload=\"document.title='RAN'\">", "javascript:document.title='RAN'",
           "<iframe src=https://evil.example></iframe>", "<link rel=stylesheet href=https://evil.example/x.css>", "a\u2028b\u202ec", "<base href=https://evil.example>"]

DRAFTS = {"server": "agents", "package": "agents-server", "version": "1.4.0", "registry": "npm", "tools": [
    {"name": "draft_generation_start",
     "description": "Start a model run that drafts an access policy from plain words.\n\nCOST WARNING: each invocation incurs charges. The run is asynchronous: poll with draft_generation_get.",
     "inputSchema": {"type": "object", "required": ["name", "content"], "properties": {
         "name": {"type": "string", "description": "A name to find it by. Pattern: [A-Za-z][A-Za-z0-9_]*, max 48 chars."},
         "content": {"type": "object", "additionalProperties": True, "description": "Specify key \"rawText\" with a description (1-2000 chars). Example: {\"rawText\": \"let admins in\"}."}}}},
    {"name": "draft_generation_get", "description": "Get the state of a generation.", "inputSchema": {"type": "object", "properties": {"id": {"type": "string"}}, "required": ["id"]}},
    {"name": "delete_engine", "description": "Delete an engine and all of its policies.", "inputSchema": {"type": "object", "properties": {"id": {"type": "string"}}, "required": ["id"]}}]}


class Elements(html.parser.HTMLParser):
    """The tags, attributes and visible words of a page as the browser built it."""

    def __init__(self):
        super().__init__()
        self.tags, self.attributes, self.hidden, self.rows = [], [], 0, 0

    def handle_starttag(self, tag, attributes):
        self.tags.append(tag)
        self.attributes += [name for name, _ in attributes]
        if tag == "tr" and "hidden" in dict(attributes):
            self.hidden += 1


class Pages(unittest.TestCase):
    def setUp(self):
        scratch = tempfile.TemporaryDirectory(prefix="callgate-pages-")
        self.addCleanup(scratch.cleanup)
        self.dir = pathlib.Path(scratch.name)

    def build(self, *lists):
        files = []
        for number, each in enumerate(lists):
            files.append(self.dir / f"{number}.json")
            files[-1].write_text(json.dumps(each), encoding="utf-8")
        done = subprocess.run([os.environ["CALLGATE"], "catalogue", "build", "--out", str(self.dir / "pages"), "--tools", *map(str, files)], capture_output=True, text=True, timeout=60)
        self.assertEqual(done.returncode, 0, done.stderr)
        return self.dir / "pages"

    def open(self, page, *options, query=""):
        """What the browser made of a page, and every address that it asked for."""
        log = self.dir / "net.json"
        command = [CHROMIUM, "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--disable-background-networking", "--disable-component-update", "--no-first-run",
                   f"--user-data-dir={self.dir / 'profile'}", f"--log-net-log={log}", *options, page.as_uri() + query]
        done = subprocess.run(command, capture_output=True, text=True, timeout=120)
        self.assertEqual(done.returncode, 0, done.stderr[-2000:])
        asked = [part for part in log.read_text(errors="replace").split('"') if part.startswith(("http://", "https://")) and "evil" in part]
        return done.stdout, asked

    def test_what_a_hostile_server_wrote_runs_nowhere_and_adds_nothing(self):
        tools = [{"name": f"update_thing_{i}", "title": text, "description": "Update a thing. " + text, "annotations": {"title": text},
                  "inputSchema": {"type": "object", "properties": {text: {"type": "string", "description": text, "default": text}, "b": {"enum": [text]}}}} for i, text in enumerate(HOSTILE)]
        pages = self.build({"server": HOSTILE[0], "package": HOSTILE[1], "version": HOSTILE[2], "tools": tools + [{"name": text, "description": text} for text in HOSTILE]})
        for page in sorted(pages.rglob("*.html")):
            with self.subTest(page=page.name):
                dom, asked = self.open(page, "--dump-dom")
                seen = Elements()
                seen.feed(dom)
                self.assertEqual(set(seen.tags) - OUR_TAGS, set())
                self.assertEqual([name for name in seen.attributes if name.startswith("on") or name == "style"], [])
                self.assertNotIn("<title>RAN</title>", dom)
                self.assertEqual(asked, [], "nothing is asked for outside")
                self.assertEqual(seen.tags.count("script"), 1 if page == pages / "index.html" else 0)

    def test_the_search_narrows_and_says_how_many(self):
        index = self.build(DRAFTS) / "index.html"
        dom, _ = self.open(index, "--dump-dom", query="?" + urllib.parse.urlencode({"search": "draft", "category": "Execute"}))
        seen = Elements()
        seen.feed(dom)
        self.assertIn(">1 tool</p>", dom)
        self.assertEqual(seen.hidden, 2)
        dom, _ = self.open(index, "--dump-dom", query="?risk=Critical&category=Read")
        self.assertIn("No tool fits. Drop a filter: category, risk.", dom)

    def test_a_page_of_a_tool_is_drawn(self):
        picture = pathlib.Path(sys.argv[2]) if sys.argv[1:2] == ["--picture"] else self.dir / "page.png"
        page = self.build(DRAFTS) / "agents/draft_generation_start.html"
        self.open(page, f"--screenshot={picture}", "--window-size=1000,1150")
        self.assertGreater(picture.stat().st_size, 20_000)


if __name__ == "__main__":
    if CHROMIUM is None:
        raise SystemExit("chromium is not installed: apt-get install --no-install-recommends chromium fonts-dejavu-core")
    result = unittest.TextTestRunner(verbosity=1).run(unittest.defaultTestLoader.loadTestsFromTestCase(Pages))
    failed = len(result.failures) + len(result.errors)
    print(f"{result.testsRun - failed} passed, {failed} failed")
    raise SystemExit(1 if failed else 0)
