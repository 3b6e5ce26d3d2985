"""What the documentation promises of itself: a short README, and links that lead somewhere."""

from __future__ import annotations

import re
import subprocess
import unittest
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


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


class Documentation(unittest.TestCase):
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


if __name__ == "__main__":
    unittest.main()
