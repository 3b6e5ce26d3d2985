#!/usr/bin/env python3
"""The picture in README: a document of the demo, and beside it the metafield that Shopify has for its order.

Takes what `make demo` printed and saved:

    make demo | tee demo.log
    infra/local/picture.py demo.log .local/demo/out/order-confirmation-*.pdf docs/pictures/document.png

Needs `pdftoppm` (poppler) and the Python package Pillow, which the local run does not need.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

WIDTH, MARGIN, PAGE_WIDTH = 1440, 32, 640
INK, GREY, PAPER, FRAME = "#1f2328", "#59636e", "#ffffff", "#d1d9e0"
FONTS = "/usr/share/fonts/truetype/dejavu/DejaVuSans"


def page(document: Path) -> Image.Image:
    """The first page of a PDF."""
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder) / "page"
        subprocess.run(
            [
                "pdftoppm",
                "-png",
                "-singlefile",
                "-scale-to-x",
                str(PAGE_WIDTH),
                "-scale-to-y",
                "-1",
                document,
                target,
            ],
            check=True,
        )
        return Image.open(target.with_suffix(".png")).convert("RGB")


def metafield(log: str) -> list[dict[str, str]]:
    """The communications in the metafield that the demo printed."""
    found = re.search(
        r"metafield \$app\.communications\n(\{.*?^\}|\{[^\n]*\})", log, re.DOTALL | re.MULTILINE
    )
    if found is None:
        raise SystemExit("the log has no metafield: is it what `make demo` printed?")
    communications: list[dict[str, str]] = json.loads(found[1])["communications"]
    return communications


def font(size: int, style: str = "") -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(f"{FONTS}{style}.ttf", size)


def main(log: Path, document: Path, target: Path) -> None:
    left = page(document)
    picture = Image.new("RGB", (WIDTH, left.height + 2 * MARGIN + 40), "#f6f8fa")
    draw = ImageDraw.Draw(picture)
    draw.text((MARGIN, 20), "What the customer gets", fill=INK, font=font(20, "-Bold"))
    picture.paste(left, (MARGIN, MARGIN + 32))
    draw.rectangle((MARGIN - 1, MARGIN + 31, MARGIN + left.width, MARGIN + 32 + left.height), outline=FRAME)
    x, y = MARGIN * 2 + PAGE_WIDTH, MARGIN + 32
    draw.text((x, 20), "What Shopify then has on the order", fill=INK, font=font(20, "-Bold"))
    for communication in metafield(log.read_text(encoding="utf-8"))[:6]:
        lines = [
            f"{key}: {value}"
            for key, value in communication.items()
            if key not in ("id", "document", "state", "label", "decision")
        ]
        height = 62 + 22 * len(lines)
        draw.rounded_rectangle((x, y, WIDTH - MARGIN, y + height), 8, fill=PAPER, outline=FRAME)
        draw.text((x + 18, y + 14), communication["document"], fill=INK, font=font(19, "-Bold"))
        state = communication["state"]
        right = WIDTH - MARGIN - 18 - draw.textlength(state, font(17))
        draw.text((right, y + 16), state, fill="#1a7f37", font=font(17))
        for index, line in enumerate(lines):
            draw.text((x + 18, y + 46 + 22 * index), line, fill=GREY, font=font(15))
        y += height + 16
    picture.quantize(48).save(target, optimize=True)


if __name__ == "__main__":
    main(*(Path(argument) for argument in sys.argv[1:4]))
