"""The report as a page and as Markdown: whole with every part, with hardly any, and with hostile data."""

import json
import re
from html.parser import HTMLParser
from itertools import pairwise

import pytest

from meltpoint.report.page import render_html, render_markdown
from meltpoint.report.page.rendering import markdown_cell, number
from meltpoint.report.page.view import make_page

HOSTILE = "</script><script>alert(1)</script><img src=x onerror=alert(2)> \u202eright to left {{ 7 * 7 }} | *x* \x00"
LONG = "Donaudampfschifffahrtsgesellschaft" * 20


class Elements(HTMLParser):
    """Every element of a page with its attributes, and the text of its scripts."""

    def __init__(self, html):
        super().__init__()
        self.found, self.scripts, self._inside = [], {}, None
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        self.found.append((tag, dict(attrs)))
        self._inside = dict(attrs).get("id", "") if tag == "script" else None

    def handle_endtag(self, tag):
        self._inside = None

    def handle_data(self, data):
        if self._inside is not None:
            self.scripts[self._inside] = self.scripts.get(self._inside, "") + data

    def all(self, tag):
        return [attributes for name, attributes in self.found if name == tag]


@pytest.fixture(scope="module")
def page(make_parts):
    return render_html(make_parts())


def test_the_page_is_one_file_and_asks_for_nothing(page):
    elements = Elements(page)
    assert len(page.encode()) < 3_000_000
    assert not [link for link in elements.all("link") if not link["href"].startswith("data:")]
    assert not [script for script in elements.all("script") if "src" in script]
    assert not elements.all("iframe")
    (policy,) = [meta["content"] for meta in elements.all("meta") if meta.get("http-equiv")]
    assert policy.startswith("default-src 'none'")
    assert "unsafe-eval" not in policy


def test_the_first_screen_is_the_answer(page):
    first = page[: page.index("</header>")]
    assert "it gains +2.0 points of accuracy (95% interval +1.0 to +3.0) over a frozen one." in first
    assert "500 to 2,000 rows" in first
    assert "0.12 points" in first


def test_every_section_is_there_and_every_link_leads_to_one(page):
    elements = Elements(page)
    anchors = [attributes["id"] for _, attributes in elements.found if "id" in attributes]
    assert len(anchors) == len(set(anchors))
    links = [link["href"] for link in elements.all("a")]
    assert {link.removeprefix("#") for link in links} <= set(anchors)
    for section in (
        "explanation",
        "gains",
        "cost-section",
        "moved",
        "changed",
        "training",
        "coverage",
        "controls",
        "how",
    ):
        assert f"#{section}" in links
    levels = [int(tag[1]) for tag, _ in elements.found if re.fullmatch(r"h[1-6]", tag)]
    assert levels[0] == 1
    assert all(after - before <= 1 for before, after in pairwise(levels))


def test_every_chart_has_words_and_a_table(page, make_parts):
    elements = Elements(page)
    places = elements.all("div")
    charts = [place for place in places if "data-chart" in place]
    assert [chart["data-chart"] for chart in charts] == list(make_page(make_parts()).figures)
    for chart in charts:
        around = places[places.index(chart) - 1]
        assert around["role"] == "img"
        assert len(around["aria-label"]) > 20
        spec = json.loads(elements.scripts[f"spec-{chart['data-chart']}"])
        assert spec["width"] == "container"
    assert page.count("<details>") >= len(charts)


def test_how_to_repeat_it_and_where_the_numbers_are_from(page):
    assert "meltpoint study &#39;my reviews.csv&#39; --vectors glove" in page
    for told in ("study.db", "drift.json", "examples.json", "python 3.11.7", "Master seed", "digest d1"):
        assert told in page


def test_hostile_texts_stay_texts(make_parts):
    parts = make_parts()
    examples = {**parts.examples, "gained": [{**parts.examples["gained"][0], "text": HOSTILE, "label": HOSTILE}]}
    data = {**parts.verdict["data"], "name": HOSTILE, "classes": {HOSTILE: 3, LONG: 4}}
    unknown = [{"word": HOSTILE, "count": 1, "reason": "case", "suggestion": LONG}]
    vectors = {**parts.verdict["vectors"], "unknown": unknown}
    plain = Elements(render_html(parts))
    hostile = make_parts(data=data, vectors=vectors, examples=examples, caveats=[HOSTILE])
    elements = Elements(render_html(hostile))
    assert [len(elements.all(tag)) for tag in ("script", "img", "iframe")] == [
        len(plain.all(tag)) for tag in ("script", "img", "iframe")
    ]
    assert "{{ 7 * 7 }}" in render_html(hostile)
    # The words of the drift, one of them hostile too, come back as they were.
    assert "</script><b>" in json.loads(elements.scripts["words"])
    markdown = render_markdown(hostile)
    assert "<img" not in markdown.replace("\\<", "")


def test_a_study_without_a_complete_repeat(make_parts):
    nothing = {
        "decision": "undecided",
        "policy": "frozen",
        "gain": {"policy": None, "points": None, "low": None, "high": None},
        "expected_regret": None,
        "melting_point": {"kind": "unknown", "low": None, "high": None, "sentence": "No size was measured."},
        **{key: [] for key in ("sizes", "policies", "controls", "architectures", "caveats")},
        "ended": "interrupted",
    }
    parts = make_parts(run={}, drift=None, examples=None, curves=(), **nothing)
    page = render_html(parts)
    assert "not one repeat was completed" in page
    assert "data-chart=" not in page
    assert len(page) < 60_000
    assert "not one repeat was completed" in render_markdown(parts)


def test_one_repeat_has_no_interval_and_says_so(make_parts):
    gain = {"policy": "anchored", "points": 2.0, "low": None, "high": None}
    assert "No interval yet" in render_html(make_parts(gain=gain, decision="undecided"))


def test_many_classes_and_several_architectures(make_parts):
    parts = make_parts()
    data = {**parts.verdict["data"], "classes": {f"class {number}": 100 for number in range(20)}}
    second = {**parts.verdict["architectures"][0], "architecture": "cnn"}
    page = render_html(make_parts(data=data, architectures=[*parts.verdict["architectures"], second]))
    assert "and 12 more" in page
    assert 'id="architectures"' in page
    assert 'id="architectures"' not in render_html(parts)


def test_why_names_what_each_reason_is_about_and_speaks_for(page, make_parts):
    size, depth = make_page(make_parts()).reasons
    assert (size.subject, size.finding, size.direction) == ("Size", "it is there.", "speaks for fine-tuning")
    assert (depth.subject, depth.finding, depth.direction) == ("", "Depth changes nothing.", "")
    assert "<b>Size:</b> it is there. <span" in page
    assert "- **Size:** it is there. (speaks for fine-tuning)\n- Depth" in render_markdown(make_parts())
    assert 'id="explanation"' not in render_html(make_parts(explanation=[]))


def test_what_would_decide_is_told_once_and_with_its_time(make_parts):
    precision = {
        "cause": "precision",
        "sentence": "Precision: two repeats.",
        "evidence": {},
        "direction": "more repeats",
    }
    needed = {"repeats": 2, "test_rows": None}
    parts = make_parts(explanation=[precision], needed=needed, run={"needed_minutes": 4.0})
    told = "2 further repeats, about 4 minutes on this machine, would decide"
    assert told in render_html(parts)
    assert told in render_markdown(parts)
    assert make_page(parts).reasons == []


def test_what_more_labels_would_bring_is_shown_where_it_is_known(page, make_parts):
    assert "What 1,000 more labelled rows would bring" in page
    assert "+0.31" in page
    assert 'id="next-rows"' not in render_html(make_parts(next_rows=None))


def test_a_ranking_counts_questions(make_parts):
    parts = make_parts(unit="question")
    page = render_html(parts)
    for told in ("500 to 2,000 questions", "At 2,000 questions", "paired by repeat and by question"):
        assert told in page
    assert "labelled questions for training" in json.dumps(make_page(parts).figures["gain-by-size"].drawing.spec)


def test_markdown_tells_the_same_story(make_parts):
    text = render_markdown(make_parts(), charts="charts")
    assert text.startswith("# Fine-tune the embedding, policy 'anchored'")
    assert "](charts/gain-by-size.svg)" in text
    assert "| anchored | 2 | 1 | 3 |" in text
    assert "great, not dull" in text
    assert "![" not in render_markdown(make_parts())


@pytest.mark.parametrize(
    ("value", "written"),
    [(None, "-"), (3, "3"), (12345, "12,345"), (0.123456, "0.1235"), (12345.67, "12,345.7"), ("word", "word")],
)
def test_numbers_are_written_with_what_is_worth_reading(value, written):
    assert number(value) == written


def test_markdown_cells_are_taken_literally():
    assert markdown_cell("a|b *c*\n<d>") == r"a\|b \*c\* \<d\>"
