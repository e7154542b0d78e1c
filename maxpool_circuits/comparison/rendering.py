"""Tables as text, and as HTML that notebooks show."""

from __future__ import annotations

import html
from collections.abc import Sequence
from typing import NamedTuple


class Cell(NamedTuple):
    """What one place of a table shows.

    Below the text may stand a note, in small print in HTML, where a title is seen by
    those who hover over it and a mark is bold print.
    """

    text: str
    note: str = ""
    title: str = ""
    is_marked: bool = False


def as_text(
    caption: str, headers: Sequence[str], lines: Sequence[Sequence[Cell]]
) -> str:
    """A table as text, the first column to the left and all others to the right."""
    from tabulate import tabulate

    cells = [["\n".join(filter(None, cell[:2])) for cell in line] for line in lines]
    align = ["left"] + ["right"] * (len(headers) - 1)
    table = tabulate(cells, headers, colalign=align, disable_numparse=True)
    return f"{caption}\n\n{table}" if caption else table


def as_html(
    caption: str, headers: Sequence[str], lines: Sequence[Sequence[Cell]], about: str
) -> str:
    """A table as HTML, with a line about how to read it below."""
    head = "".join(
        f'<th style="text-align: {_side(column)}">{_escaped(header)}</th>'
        for column, header in enumerate(headers)
    )
    body = "\n".join(
        "<tr>"
        + "".join(_html_cell(*numbered) for numbered in enumerate(line))
        + "</tr>"
        for line in lines
    )
    return (
        f"<div>\n<p>{_escaped(caption)}</p>\n<table>\n<thead><tr>{head}</tr></thead>\n"
        f"<tbody>\n{body}\n</tbody>\n</table>\n<p><small>{_escaped(about)}</small></p>\n"
        "</div>"
    )


def _html_cell(column, cell):
    """One place of a row; the first is what the row is called."""
    text = _escaped(cell.text)
    text = f"<strong>{text}</strong>" if cell.is_marked else text
    note = f"<br><small>{_escaped(cell.note)}</small>" if cell.note else ""
    title = f' title="{html.escape(cell.title)}"' if cell.title else ""
    tag = "th" if column == 0 else "td"
    style = f"text-align: {_side(column)}; white-space: nowrap"
    return f'<{tag} style="{style}"{title}>{text}{note}</{tag}>'


def _side(column):
    return "left" if column == 0 else "right"


def _escaped(text):
    return html.escape(text).replace("\n", "<br>")
