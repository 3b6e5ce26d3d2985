"""What the documentation promises of itself: a short README, links that lead somewhere, words that are read once.

The words are looked for in pages, and in the comments and strings of code.
"""

from __future__ import annotations

import re
import subprocess
import unittest
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

_UNIT = (
    "flow|shop|queue|month|day|night|second|minute|hour|message|request|document|communication|account|customer|"
    "line|row|function|run|period|pass|partition|file|state|crate|Lambda|service|process|item|campaign|event|"
    "step|batch|call|invocation|parcel|shipment|member|tag|metafield"
)
_COUNTED = (
    "messages|requests|items|mutations|writes|bytes|points|documents|e-mails|orders|accounts|statements|"
    "questions|invocations|puts|reports|lines|ms|MB|times"
)

# What made readers read a sentence twice, and what to say.
WORDS = {
    rf"\b(?:one|two|(?:an?|one)\s[\w-]+|{_COUNTED})\san?\s(?:{_UNIT})\b": "per",
    r"\brounds?\b": "pass",
    r"\btroubled\b": "failed",
    r"\bfor want of\b": "because … did not",
    r"\bmend(?:s|ed|ing)?\b": "fix",
    r"\b(?:is|are|was|once) over\b|\bover\?": "final, finished, ended",
    r"\bgo(?:es)? on\b|\bgoing on\b": "continue",
    r"\b(?:messages?|items?|work|events?|failed) (?:comes? (?:again|back)|came back)\b": "is delivered again",
    r"\bsomebody else's\b": "name who",
    r"\bnobody kn(?:ew|ows) of\b": "whose outcome is unknown",
    r"\bno event (?:has |had )?brought\b": "missed events",
    r"\basks for a month\b": "charges per month",
    r"\bhands? out\b|\bhanded on\b": "delivers, passes on",
    r"\bonly ever\b|\bby [\w ]{1,20}'s word\b": "only … reports it",
    r"\bcut short\b": "aborted",
    r"\border's way\b": "how an order travels",
}

# Comments and strings by language. A character literal or a raw string may hold a quotation mark.
TEXTS = {
    ".rs": r"""//[/!]?([^\n]*)|r(#+)"(.*?)"\2|'(?:\\.|[^'\\\n])'|"((?:\\.|[^"\\])*)\"""",
    ".ts": r"""//([^\n]*)|/\*(.*?)\*/|"((?:\\.|[^"\\\n])*)"|'((?:\\.|[^'\\\n])*)'|`((?:\\.|[^`\\])*)`""",
    ".py": r'''#([^\n]*)|"""(.*?)"""|"((?:\\.|[^"\\\n])*)"|\'((?:\\.|[^\'\\\n])*)\'''',
}

# Where code keeps to the words as well: everywhere.
READ = ("functions", "shared", "infra", "tests")


@cache
def pages() -> list[Path]:
    """The Markdown files of the repository, those included that are not committed yet."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "*.md"],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    )
    return [ROOT / name for name in listed.stdout.splitlines() if (ROOT / name).exists()]


def prose(page: Path) -> str:
    """The text of a page without its code blocks."""
    return re.sub(r"^```.*?^```$", "", page.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)


@cache
def sources() -> list[Path]:
    """The files of code whose texts are read."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", *READ],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    )
    # this file names the words
    files = [ROOT / name for name in listed.stdout.splitlines() if ROOT / name != Path(__file__).resolve()]
    return [file for file in files if file.suffix in TEXTS and file.exists()]


def texts(code: str, suffix: str) -> str:
    """The comments and strings of code, each on the line where it stands. Only comments continue on the next line."""
    parts, end = [], 0
    for match in re.finditer(TEXTS[suffix], code, flags=re.DOTALL):
        between = code[end : match.start()]
        breaks = "\n" * between.count("\n")
        parts.append(breaks or " " if not between.strip() else ";" + breaks)
        inside = next((group for group in reversed(match.groups()) if group is not None), "")
        parts.append(re.sub(r"\n[ \t*]*", "\n", inside.strip(" ")) or "\n" * match[0].count("\n"))
        end = match.end()
    return "".join(parts)


@cache
def anchors(page: Path) -> frozenset[str]:
    """The anchors that GitHub gives the headings of a page."""
    seen: dict[str, int] = {}
    found = set()
    for heading in re.findall(r"^#+ +(.+?) *$", prose(page), flags=re.MULTILINE):
        text = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).lower()
        anchor = re.sub(r"[^\w\- ]", "", text).replace(" ", "-")
        count = seen.get(anchor, 0)
        seen[anchor] = count + 1
        found.add(f"{anchor}-{count}" if count else anchor)
    return frozenset(found)


def links(page: Path) -> list[str]:
    """The relative targets of a page's links and pictures."""
    text = re.sub(r"`[^`\n]*`", "``", prose(page))
    targets = re.findall(r"\]\(([^)\s]+)\)", text) + re.findall(r"(?:src|srcset|href)=\"([^\"]+)\"", text)
    return [target for target in targets if not re.match(r"[a-z]+:", target)]


def broken(page: Path) -> list[str]:
    """The links of a page that lead nowhere."""
    problems = []
    for link in links(page):
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        if not target.exists() or (anchor and anchor not in anchors(target)):
            problems.append(f"{page.relative_to(ROOT)}: {link}")
    return problems


def tripping(text: str) -> list[str]:
    """The words in a page that readers trip over, each with what to say instead."""
    text = re.sub(r"`[^`\n]*`|https?://\S+", "``", text)
    found = []
    for pattern, better in WORDS.items():
        for match in re.finditer(pattern, text, flags=re.IGNORECASE):
            line = text.count("\n", 0, match.start()) + 1
            words = " ".join(match[0].split())
            found.append(f"about line {line}: `{words}`: {better}")
    return found


class Documentation(unittest.TestCase):
    maxDiff = None

    def test_the_entrance_is_short(self) -> None:
        lines = (ROOT / "README.md").read_text(encoding="utf-8").count("\n")
        self.assertLessEqual(lines, 200)

    def test_every_link_leads_somewhere(self) -> None:
        self.assertGreater(sum(len(links(page)) for page in pages()), 30)
        self.assertEqual([problem for page in pages() for problem in broken(page)], [])

    def test_every_page_is_reached_from_the_readme(self) -> None:
        reached, ahead = set(), [ROOT / "README.md"]
        while ahead:
            page = ahead.pop()
            if page in reached:
                continue
            reached.add(page)
            for link in links(page):
                target = (page.parent / link.partition("#")[0]).resolve()
                if target.suffix == ".md":
                    ahead.append(target)
        missing = [page.relative_to(ROOT) for page in pages() if page not in reached]
        self.assertEqual([page for page in missing if page.parts[0] == "docs"], [])

    def test_no_page_trips_its_reader(self) -> None:
        found = {str(page.relative_to(ROOT)): tripping(prose(page)) for page in pages()}
        self.assertEqual({page: problems for page, problems in found.items() if problems}, {})

    def test_no_comment_or_string_trips_its_reader(self) -> None:
        self.assertGreater(len(sources()), 600)
        found = {
            str(file.relative_to(ROOT)): tripping(texts(file.read_text(encoding="utf-8"), file.suffix))
            for file in sources()
        }
        self.assertEqual({file: problems for file, problems in found.items() if problems}, {})

    def test_the_words_are_found_in_code(self) -> None:
        for suffix, code in (
            (".rs", "/// There is one queue a\n/// flow.\nfn f() {}"),
            (".rs", "const A: char = '\"'; // one queue a flow"),
            (".rs", 'say!("one queue\n a flow");'),
            (".rs", 'let a = r#"say "one queue a flow""#;'),
            (".ts", "// one queue\n// a flow"),
            (".ts", "/* one queue a flow */"),
            (".ts", "const a = `one queue a flow`;"),
            (".py", "# one queue a\n# flow"),
            (".py", '"""One queue\na flow."""'),
            (".py", "a = 'one queue a flow'"),
        ):
            self.assertNotEqual(tripping(texts(code, suffix)), [], code)
        for suffix, code in (
            (".rs", "let one = queue(a, flow); // of whole numbers"),
            (".rs", 'let all = ["one queue", "a flow"];'),
            (".rs", "fn round(it: &'a str) -> f64 { it.round() }"),
            (".py", "over = goes_on(round)"),
        ):
            self.assertEqual(tripping(texts(code, suffix)), [], code)

    def test_the_words_are_found(self) -> None:
        for text in (
            "one queue a flow",
            "a schedule a shop and campaign",
            "one line a message handled",
            "ten requests a\nsecond",
            "What is over is not begun again",
            "Mend it",
            "for want of the channel's answer",
            "What AWS asks for a month",
        ):
            self.assertNotEqual(tripping(text), [], text)
        for text in (
            "one queue per flow",
            "it sends documents for a shop",
            "rounded `round` https://x.example/round",
        ):
            self.assertEqual(tripping(text), [], text)


if __name__ == "__main__":
    unittest.main()
