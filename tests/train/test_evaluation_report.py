"""The report: a table that lines up, JSON that any parser reads, a page that needs nothing else."""

from __future__ import annotations

import base64
import io
import json
from html.parser import HTMLParser

import numpy as np
import pytest
import torch
from PIL import Image

from train.evaluation.drawing import GAP, in_rows, sheet
from train.evaluation.page import page
from train.evaluation.report import Figure, Report, Row, number


@pytest.fixture
def report() -> Report:
    picture = torch.zeros(3, 16, 16)
    return Report(
        {"name": "a<b.safetensors", "sha256": "12ab", "config": {"resolution": 64}},
        {"size": 64, "network": {"name": "fixed", "sha256": "34cd"}},
        [
            Row("frechet", "Fréchet distance", "centres", 1.25, "", None, "lower", "100 pictures"),
            Row("scale", "scale PSNR", "centres", 45.678, "dB", 0.5, "higher"),
        ],
        [Figure("Pictures & more", "Top: this.", sheet([[picture, picture], [picture]]))],
        ["NOT COMPARABLE WITH PUBLISHED NUMBERS"],
    )


def test_the_table_lines_up(report: Report) -> None:
    header, *lines, blank, remark = report.to_text().splitlines()
    assert [line.index("centres") for line in lines] == [header.index("setting")] * 2
    assert "45.68 dB  0.5000" in lines[1]
    assert (blank, remark) == ("", "* NOT COMPARABLE WITH PUBLISHED NUMBERS")


def test_the_json_holds_every_number(report: Report) -> None:
    values = json.loads(report.to_json())
    assert values["format"] == 1
    assert [result["value"] for result in values["results"]] == [1.25, 45.678]
    assert values["settings"]["network"]["sha256"] == "34cd"
    assert values["remarks"] == report.remarks


class Reader(HTMLParser):
    """Collects texts and pictures, and complains about tags that do not pair."""

    def __init__(self) -> None:
        super().__init__()
        self.texts: list[str] = []
        self.pictures: list[bytes] = []
        self.links: list[str] = []
        self._open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        if tag == "img":
            assert values["alt"]
            start, _, data = (values["src"] or "").partition(",")
            assert start == "data:image/png;base64"
            self.pictures.append(base64.b64decode(data))
        self.links += [str(value) for name, value in attrs if name in ("src", "href")]
        if tag not in ("img", "meta"):
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.texts.append(data)

    def close(self) -> None:
        super().close()
        assert not self._open


def test_the_page_holds_table_remarks_and_pictures_and_needs_nothing_else(report: Report) -> None:
    reader = Reader()
    reader.feed(page(report))
    reader.close()
    text = "\n".join(reader.texts)
    for expected in ("a<b.safetensors", "Fréchet distance", "45.68 dB", "NOT COMPARABLE", "Pictures & more"):
        assert expected in text
    assert all(link.startswith("data:") for link in reader.links)
    (data,) = reader.pictures
    with Image.open(io.BytesIO(data)) as image:
        assert image.size == (2 * (128 + GAP) + GAP, 2 * (128 + GAP) + GAP)


def test_small_pictures_are_shown_with_whole_pixels() -> None:
    levels = torch.tensor([-1.0, 1.0]).expand(3, 2, 2)
    with Image.open(io.BytesIO(sheet([[levels]]))) as image:
        pixels = np.asarray(image)[GAP:-GAP, GAP:-GAP]
    assert pixels.shape == (128, 128, 3)
    assert np.unique(pixels[:, :64]).tolist() == [0]
    assert np.unique(pixels[:, 64:]).tolist() == [255]
    assert [len(row) for row in in_rows([levels] * 5, 2)] == [2, 2, 1]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0, "0"),
        (1.0, "1.000"),
        (123.456, "123.5"),
        (98765.4, "98765"),
        (-0.0321, "-0.03210"),
        (3e-7, "3.0e-07"),
    ],
)
def test_numbers_show_four_digits(value: float, text: str) -> None:
    assert number(value) == text
