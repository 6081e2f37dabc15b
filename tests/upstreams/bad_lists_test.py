"""Lists of tools as nobody should write them, from a live server: scan, policy and pages stay bounded, and its other tools are served as ever."""
import json
import os
import pathlib
import subprocess
import sys
import time

import world
from listed import GOOD, lister, schema, tool
from world import World, gate_binary


class BadLists(World):
    def lister(self, tools):
        return lister(self, [*tools, GOOD])

    def callgate(self, *args, patience=60):
        done = subprocess.run([gate_binary(), *args, "--data", str(self.dir / "data")], capture_output=True, text=True, errors="surrogateescape", timeout=patience)
        return done

    def judged(self, tools, patience=60, saved=False, risk="Low"):
        """scan, policy and pages of a list; answers the classes by name, the rules and the pages' folder."""
        source = ["--name", "it", "--", *self.lister(tools)]
        if saved:
            source = ["--name", "it", "--tools", str(self.dir / "tools.json")]
        began = time.monotonic()
        scanned = self.callgate("scan", "--json", *source, patience=patience)
        self.assertEqual(scanned.returncode, 0, scanned.stderr[-2000:])
        shown = self.callgate("scan", *source, patience=patience)
        self.assertEqual(shown.returncode, 0, shown.stderr[-2000:])
        for text in (shown.stdout, shown.stderr):
            self.assertFalse({"\x00", "\x1b", "\u202e", "\u200b"} & set(text), "nothing that a terminal obeys or hides")
        made = self.callgate("policy", "generate", *source, patience=patience)
        self.assertEqual(made.returncode, 0, made.stderr[-2000:])
        checked = self.callgate("policy", "check", "--strict", self.write("made.yaml", made.stdout), patience=patience)
        self.assertEqual(checked.returncode, 0, checked.stderr[-2000:])
        pages = self.dir / "pages"
        built = self.callgate("catalogue", "build", "--out", str(pages), *source, patience=patience)
        self.assertEqual(built.returncode, 0, built.stderr[-2000:])
        self.assertLess(time.monotonic() - began, patience)
        classes = {each["tool"]: each for each in json.loads(scanned.stdout)}
        self.assertEqual((classes["read_note"]["category"], classes["read_note"]["risk"]), ("Read", risk))
        self.assertIn("  read_note:", made.stdout)
        self.assertIn("<h1><code>read_note</code></h1>", (pages / "it/read_note.html").read_text(encoding="utf-8"))
        return classes, made, pages

    def test_ten_thousand_tools(self):
        count = 2_000 if "CALLGATE_SLOW" in os.environ else 10_000
        self.lister([tool(f"update_thing_{i}") for i in range(count)])
        source = ["--name", "it", "--", sys.executable, "-B", str(self.dir / "lister.py"), str(self.dir / "tools.json")]
        scanned = self.callgate("scan", "--json", *source)
        self.assertEqual((scanned.returncode, len(json.loads(scanned.stdout))), (0, count + 1), scanned.stderr[-2000:])
        pages = self.dir / "pages"
        built = self.callgate("catalogue", "build", "--out", str(pages), *source, patience=120)
        self.assertEqual((built.returncode, len(list((pages / "it").glob("*.html")))), (0, count + 2), built.stderr[-2000:])

    def test_a_schema_of_a_mebibyte(self):
        wide = {f"field_{i}": {"type": "string", "description": "x" * 200} for i in range(4_500)}
        huge = tool("update_record", inputSchema=schema(wide))
        self.assertGreater(len(json.dumps(huge)), 1 << 20)
        _, _, pages = self.judged([huge])
        self.assertTrue((pages / "it/update_record.html").exists())

    def test_references_in_a_circle_and_to_elsewhere(self):
        circle = tool("update_tree", inputSchema=schema({"node": {"$ref": "#/$defs/node"}}, **{"$defs": {"node": {"anyOf": [{"$ref": "#/$defs/node"}, {"$ref": "#/$defs/other"}]}, "other": {"$ref": "#/$defs/node"}}}))
        elsewhere = tool("update_far", inputSchema=schema({"node": {"$ref": "http://192.0.2.1/schema.json"}, "file": {"$ref": "file:///etc/passwd"}}))
        classes, _, pages = self.judged([circle, elsewhere])
        self.assertIn("update_tree", classes)
        self.assertNotIn("root:", (pages / "it/update_far.html").read_text(encoding="utf-8"))

    def test_names_with_nul_bidi_and_markup(self):
        names = ["read\u202enote", "read\u200bnote", "<script>alert(1)</script>", "../../etc/passwd", "x" * 5_000, "\x1b[2J", "read note"]
        # Some of them look like `read_note`, which is then rated no lower than what it may be taken for.
        classes, made, pages = self.judged([tool(name) for name in names], risk="Medium")
        self.assertIn("look_alike", classes["read_note"]["signals"])
        self.assertIn("is no name of a tool", made.stderr)
        self.assertEqual({path.parent for path in pages.rglob("*.html")}, {pages, pages / "it"}, "no page leads out of the folder")
        for page in pages.rglob("*.html"):
            self.assertNotIn("<script>alert", page.read_text(encoding="utf-8"))

    def test_the_same_name_twice(self):
        _, made, pages = self.judged([tool("update_thing"), tool("update_thing", "Delete everything.")])
        self.assertNotIn("  update_thing:", made.stdout)
        self.assertIn("stands in the list 2 times", made.stderr)

    def test_empty_descriptions_are_never_read_and_low(self):
        nameless = [tool("frobnicate", ""), {"name": "zork", "description": "   ", "inputSchema": {}}, {"name": "blip"}]
        classes, _, _ = self.judged(nameless)
        for each in nameless:
            self.assertEqual((classes[each["name"]]["category"], classes[each["name"]]["risk"]), ("Execute", "High"))
            self.assertLessEqual(classes[each["name"]]["confidence"], 0.4)

    def test_two_hundred_and_five_parameters(self):
        many = {f"parameter_{i}": {"type": "string", "description": f"The {i}th."} for i in range(205)}
        _, _, pages = self.judged([tool("update_record", inputSchema=schema(many, required=list(many)))])
        self.assertIn("parameter_204", (pages / "it/update_record.html").read_text(encoding="utf-8"))

    def test_wrong_types_everywhere(self):
        odd = [tool("odd_one", ["no", "text"]), tool("odd_two", inputSchema="none"), tool("odd_three", inputSchema={"type": 7, "properties": [1], "required": {"a": 1}}), tool("odd_four", annotations=[True], title={}),
               tool("odd_five", inputSchema=schema({"a": "text", "b": {"type": ["x", 1], "enum": 5, "default": {}}}))]
        classes, _, pages = self.judged(odd)
        for each in odd:
            self.assertIn(each["name"], classes)
            self.assertTrue((pages / f"it/{each['name']}.html").exists(), each["name"])

    NO_TOOLS = [7, None, "text", [], {"name": 7}, {}, tool("a\x00b")]

    def test_what_is_no_tool_at_all_leaves_the_rest_of_a_saved_list(self):
        self.judged(self.NO_TOOLS, saved=True)

    def test_what_is_no_tool_at_all_leaves_the_rest_of_a_live_list(self):
        self.judged(self.NO_TOOLS)

    def test_a_server_that_never_answers_does_not_hold_its_neighbours(self):
        servers = {"silent": {"command": sys.executable, "args": ["-c", "import sys; sys.stdin.read()"]}, "it": {"command": sys.executable, "args": self.lister([])[1:]}}
        config = self.write("client.json", json.dumps({"mcpServers": servers}))
        for patience in ("2", "4", "8"):  # on a busy machine a good server may need more than two seconds to start
            done = self.callgate("scan", "--json", "--timeout", patience, "--client-config", config)
            self.assertEqual(done.returncode, 3, done.stderr)
            self.assertIn("silent", done.stderr)
            if "`it`" not in done.stderr:
                break
        self.assertEqual([each["tool"] for each in json.loads(done.stdout)], ["read_note"])


class While_a_long_list_is_read(World):
    COUNT = 15_000

    def long_list(self):
        words = ("Reads", "Writes", "Deletes", "Sends", "Pays", "Runs")
        fields = {"id": {"type": "string"}, "limit": {"type": "integer", "minimum": 1}, "mode": {"enum": ["fast", "safe"]}, "when": {"type": "string", "format": "date-time"}}
        return [tool(f"thing_{i}", f"{words[i % 6]} the thing {i} of a project, as its owner sees it, and tells what became of it.", inputSchema=schema(fields, required=["id"])) for i in range(self.COUNT)]

    @staticmethod
    def worked(gate):
        """Seconds for which the gate's process had a processor, whoever else wants one on this machine."""
        fields = pathlib.Path(f"/proc/{gate.process.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def test_another_server_is_served(self):
        """The first reading is most of a second's work and more: a ping to another server waits for a small part of it."""
        command = lister(self, [*self.long_list(), GOOD])
        self.write("policy.yaml", world.ALLOW)
        servers = "".join(f"  {name}:\n    command: {json.dumps(command)}\n    policy: policy.yaml\n" for name, command in (("it", self.fake()), ("long", command)))
        gate = self.started(["--config", self.write("callgate.yaml", f"listen: 127.0.0.1:0\nauth: none\nservers:\n{servers}")], [])
        client = world.Http(f"{gate.ready['url']}/mcp/it")
        client.initialize()
        most, slowest, pings, began = 0.0, 0.0, 0, time.monotonic()
        while not gate.said('"server":"long","era":"legacy","tools":'):
            self.assertLess(time.monotonic() - began, 3 * world.LONG, gate.last_words())
            before, worked = time.monotonic(), self.worked(gate)
            self.assertEqual(client.post(world.request(pings, "ping"))["result"], {})
            most, slowest, pings = max(most, self.worked(gate) - worked), max(slowest, time.monotonic() - before), pings + 1
        print(f"        {self.COUNT} tools: of {pings} pings to another server meanwhile the slowest took {slowest:.3f} s, and the gate worked {most:.2f} s at most until one was answered")
        self.assertLess(most, 0.4 if world.LONG <= 20 else 4.0)


if __name__ == "__main__":
    world.main()
