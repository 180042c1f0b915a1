"""Pictures under lines of text, on one sheet."""

from __future__ import annotations

from collections.abc import Sequence

from PIL import Image, ImageDraw, ImageFont

__all__ = ["stacked", "titled"]

_BACKGROUND = (250, 250, 250)
_INK = (20, 20, 20)


def titled(picture: Image.Image, title: str, width: int, text: int = 24) -> Image.Image:
    """The picture at `width`, under a line of text of height `text`."""
    height = round(picture.height * width / picture.width)
    bar = round(text * 11 / 6)
    page = Image.new("RGB", (width, height + bar), _BACKGROUND)
    page.paste(picture.resize((width, height), Image.Resampling.LANCZOS), (0, bar))
    font = ImageFont.load_default(size=text)
    ImageDraw.Draw(page).text((14, text // 3), title, fill=_INK, font=font)
    return page


def stacked(pictures: Sequence[Image.Image]) -> Image.Image:
    """Pictures of one width, one under the other."""
    sheet = Image.new("RGB", (pictures[0].width, sum(p.height for p in pictures)), _BACKGROUND)
    top = 0
    for picture in pictures:
        sheet.paste(picture, (0, top))
        top += picture.height
    return sheet
