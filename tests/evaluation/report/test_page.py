"""The page: valid, whole, and saying what the numbers say."""

import base64
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

EMPTY = {"br", "hr", "img", "meta"}


class Checker(HTMLParser):
    """Follows opening and closing tags, and gathers text, links and anchors."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.text: list[str] = []
        self.sources: list[str] = []
        self.links: list[str] = []
        self.anchors: list[str] = []
        self.images_without_words = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag not in EMPTY:
            self.open.append(tag)
        if tag == "img":
            self.sources.append(str(given["src"]))
            self.images_without_words += not given.get("alt")
        self.links += [str(given["href"])] if "href" in given else []
        self.anchors += [str(given["id"])] if "id" in given else []

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if "style" not in self.open:
            self.text.append(data.replace("\N{NO-BREAK SPACE}", " "))


@pytest.fixture(scope="module")
def page(evaluated: Path) -> str:
    return (evaluated / "report.html").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def checked(page: str) -> Checker:
    checker = Checker()
    checker.feed(page)
    checker.close()
    return checker


def test_it_is_valid_and_needs_nothing_else(page: str, checked: Checker) -> None:
    assert page.startswith('<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">')
    assert checked.open == []
    assert "<script" not in page
    assert all(link.startswith("#") and link[1:] in checked.anchors for link in checked.links)
    assert len(set(checked.anchors)) == len(checked.anchors)
    assert all(source.startswith("data:image/png;base64,") for source in checked.sources)
    assert checked.images_without_words == 0
    assert not re.search(r"url\(|@import|https?:", page)


def test_every_figure_is_inside(evaluated: Path, metrics: dict[str, Any], checked: Checker) -> None:
    inside = {base64.b64decode(source.split(",")[1]) for source in checked.sources}
    assert inside == {path.read_bytes() for path in (evaluated / "plots").glob("*.png")}
    assert len(checked.sources) == len(metrics["plots"]) / 2


def test_text_is_escaped(page: str, checked: Checker) -> None:
    assert "Toys &amp; &lt;taggers&gt;" in page
    assert "Toys & <taggers>" in checked.text
    assert "Nothing is learned here: 1 < 2." in checked.text


def test_it_has_settings_provenance_and_commands(checked: Checker, taggers: dict[str, str]) -> None:
    text = "".join(checked.text)
    assert "distance_aim: 0.5" in text
    assert '"numpy": "' in text
    assert f"rs3l finetune {taggers['two']}/config.yaml --output {taggers['two']}" in text
    assert "rs3l evaluate config.yaml" in text


def test_tables_show_the_numbers(checked: Checker, metrics: dict[str, Any]) -> None:
    text = "|".join(checked.text)
    auc = metrics["tagging"]["two"]["auc"]
    assert re.search(rf"two\|2\|{auc:.2f}"[:-1], text)
    assert "Labelled jets" in text
    assert "Extrapolation to 10 000" in text
