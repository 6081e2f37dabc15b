"""How the demo speaks: scenes, who says what, and a mark before each line that was checked."""
import sys
import textwrap
import time

WIDTH = 78
ON_TERMINAL = sys.stdout.isatty()


def paint(code, text):
    return f"\033[{code}m{text}\033[0m" if ON_TERMINAL else text


def bold(text):
    return paint("1", text)


def faint(text):
    return paint("2", text)


class Screen:
    """Prints the story and keeps count of what was true."""

    def __init__(self):
        self.true = self.untrue = self.scenes = 0

    def line(self, text=""):
        print(text, flush=True)

    def title(self, text):
        self.line()
        self.line(bold(text))
        self.line()

    def cast(self, who, what):
        self.line(f"  {who:<11}{what}")

    def listing(self, text):
        self.line()
        for line in text.rstrip().splitlines():
            self.line(faint(f"      {line}"))

    def scene(self, text):
        self.scenes += 1
        self.line()
        head = f"── {self.scenes} · {text} "
        self.line(bold(head + "─" * max(2, WIDTH - len(head))))

    def says(self, who, what, spent_ms=None):
        """One speaker, what was said, and how long it took."""
        right = f"{spent_ms:8.1f} ms" if spent_ms is not None else ""
        room = WIDTH - 14 - len(right)
        for number, part in enumerate(textwrap.wrap(what, room) or [""]):
            self.line(f"   {paint('36', f'{who:<8}') if number == 0 else ' ' * 8} {part:<{room}}{faint(right) if number == 0 else ''}".rstrip())

    def aside(self, text):
        for part in textwrap.wrap(text, WIDTH - 3):
            self.line(faint(f"   {part}"))

    def check(self, sentence, holds, found=""):
        """A claim, and whether it is true; an untrue one says what was found."""
        if holds:
            self.true += 1
            self.line(f"   {paint('32', '✓')} {sentence}")
        else:
            self.untrue += 1
            self.line(f"   {paint('31', '✗')} {sentence}")
            for part in textwrap.wrap(f"found: {found}", WIDTH - 7) if found != "" else []:
                self.line(f"       {part}")
        return holds

    def wait(self, what, ready, limit_s):
        """Waits until ready() gives something; shows on a terminal that time passes."""
        started, turn = time.monotonic(), 0
        while not (answer := ready()) and time.monotonic() - started < limit_s:
            if ON_TERMINAL:
                print(f"\r   {'◐◓◑◒'[turn % 4]} {what} … {time.monotonic() - started:.0f} s", end="", flush=True)
            turn += 1
            time.sleep(0.1)
        if ON_TERMINAL:
            print("\r\033[K", end="", flush=True)
        return answer
