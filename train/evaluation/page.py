"""The report as one HTML file that needs nothing else: the table, the remarks, the pictures inside."""

from __future__ import annotations

import base64
from html import escape

from train.evaluation.report import HEADER, Figure, Report, cells

_STYLE = """
:root { color-scheme: dark }
body { margin: 2.5rem auto; max-width: 70rem; padding: 0 1.5rem; background: #0e1013; color: #d9dde3;
       font: 15px/1.5 system-ui, sans-serif }
h1 { font-size: 1.5rem; font-weight: 600; margin: 0 } h2 { font-size: 1.1rem; margin: 2.5rem 0 .3rem }
.muted, figcaption, th { color: #8b93a0 } .mono { font-family: ui-monospace, monospace; font-size: .85em }
table { border-collapse: collapse; margin: 1.5rem 0; width: 100% }
th { text-align: left; font-weight: 500 } td, th { padding: .3rem .9rem .3rem 0 }
tbody tr { border-top: 1px solid #23272e }
td.number { font-variant-numeric: tabular-nums; white-space: nowrap }
tr.first { border-top: 1px solid #4a515c }
ul { padding-left: 1.2rem } li { overflow-wrap: anywhere }
figure { margin: .5rem 0 0 } img { max-width: 100%; image-rendering: pixelated; border-radius: 4px }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .1rem 1.2rem; margin: 1rem 0 }
dt { color: #8b93a0 } dd { margin: 0; overflow-wrap: anywhere }
"""


def page(report: Report) -> str:
    """The whole document."""
    name = escape(str(report.checkpoint["name"]))
    facts = {"sha256": report.checkpoint["sha256"], **report.settings}
    return "\n".join(
        [
            '<!doctype html><html lang="en"><meta charset="utf-8">',
            f"<title>creps-eval: {name}</title><style>{_STYLE}</style>",
            f"<h1>{name}</h1>",
            "<dl>",
            *(f"<dt>{escape(key)}</dt><dd>{escape(_shown(value))}</dd>" for key, value in facts.items()),
            "</dl>",
            _table(report),
            "<ul>",
            *(f"<li>{escape(remark)}</li>" for remark in report.remarks),
            "</ul>",
            *map(_figure, report.figures),
            "</html>",
            "",
        ]
    )


def _shown(value: object) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{key} {_shown(inner)}" for key, inner in value.items())
    if isinstance(value, list | tuple):
        return ", ".join(map(str, value))
    return "none" if value is None else str(value)


def _table(report: Report) -> str:
    lines = ["<table><thead><tr>", *(f"<th>{escape(title)}</th>" for title in HEADER), "</tr></thead><tbody>"]
    before = ""
    for row in report.rows:
        lines.append('<tr class="first">' if row.metric != before else "<tr>")
        lines += [
            f"<td{' class=number' if k in (2, 3) else ''}>{escape(text)}</td>"
            for k, text in enumerate(cells(row))
        ]
        lines.append("</tr>")
        before = row.metric
    return "".join([*lines, "</tbody></table>"])


def _figure(figure: Figure) -> str:
    data = base64.b64encode(figure.png).decode()
    title, caption = escape(figure.title), escape(figure.caption)
    return (
        f"<h2>{title}</h2><figure><figcaption>{caption}</figcaption>"
        f'<img alt="{title}" src="data:image/png;base64,{data}"></figure>'
    )
