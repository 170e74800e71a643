"""The report of a real study in a real browser, from disk: drawn, searchable, narrow, accessible, printed, offline."""

import base64
import importlib.util
import json
import shutil
import time
from contextlib import contextmanager
from pathlib import Path

import pytest

import meltpoint as mp
from meltpoint.randomness import generator
from meltpoint.run import StudyOptions

CHROMIUM, DRIVER = shutil.which("chromium"), shutil.which("chromedriver")
# A browser that starts with these asks nobody for anything.
FLAGS = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--hide-scrollbars"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync", "--disable-dev-shm-usage"),
)
ARTEFACTS = Path(__file__).resolve().parents[1] / ".artefacts" / "report"
WIDE, PHONE = (1280, 900), (390, 844)
CUES = {"good": ["great", "fine", "lovely", "warm", "bright"], "bad": ["dull", "weak", "poor", "boring", "awful"]}
FILLER = ["the", "film", "plot", "actor", "scene", "music", "story", "camera"]

pytestmark = pytest.mark.skipif(
    CHROMIUM is None or DRIVER is None,
    reason="no chromium and chromedriver on this machine: apt install chromium-driver",
)


@pytest.fixture(scope="module")
def page(glove, drift_document, tmp_path_factory):
    """The page of a small real study; one of its texts and one of its labels are hostile."""
    random = generator(0, "reviews")
    labels = [("good", "bad")[row % 2] for row in range(120)]
    cues = [label if row % 3 else ("good", "bad")[row % 4 // 2] for row, label in enumerate(labels)]
    texts = [" ".join([*random.choice(FILLER, 4), *random.choice(CUES[cue], 2)]) for cue in cues]
    texts = [f"{text} </script><script>document.title = 'taken over'</script>" for text in texts]
    options = StudyOptions(
        policies=("fine-tuned", "anchored", "scratch"), search_trials=1, max_repeats=2, sizes=(40, 90)
    )
    run = mp.study(
        texts,
        [f"<b>{label}</b>" for label in labels],
        vectors=glove,
        options=options,
        out=tmp_path_factory.mktemp("runs") / "run",
        workers=0,
    )
    if not (run.folder / "drift.json").exists():
        (run.folder / "drift.json").write_text(json.dumps(drift_document), encoding="utf-8")
    return run.report()


@contextmanager
def opened(page, size, *, dark=False):
    """Opens the page in a browser of its own, with the network off, and waits until its charts are drawn."""
    from selenium import webdriver
    from selenium.webdriver.chrome.service import Service

    options = webdriver.ChromeOptions()
    options.binary_location = CHROMIUM
    for flag in FLAGS:
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    browser = webdriver.Chrome(options=options, service=Service(DRIVER))
    try:
        command = browser.execute_cdp_cmd
        command("Network.enable", {})
        command(
            "Network.emulateNetworkConditions",
            {"offline": True, "latency": 0, "downloadThroughput": 0, "uploadThroughput": 0},
        )
        width, height = size
        device = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": size == PHONE}
        command("Emulation.setDeviceMetricsOverride", device)
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        command("Emulation.setEmulatedMedia", {"features": [scheme]})
        browser.set_script_timeout(120)
        browser.get(page.as_uri())
        wait_for(browser, "return document.documentElement.dataset.ready === 'yes'")
        yield browser
    finally:
        browser.quit()


def wait_for(browser, script):
    deadline = time.monotonic() + 60
    while not (found := browser.execute_script(script)):
        assert time.monotonic() < deadline, f"waited in vain for {script}: {browser.get_log('browser')}"
        time.sleep(0.05)
    return found


def keep(browser, name, *, whole=True):
    """Keeps a picture of the page as an artefact, to be looked at."""
    ARTEFACTS.mkdir(parents=True, exist_ok=True)
    wanted = {}
    if whole:
        content = browser.execute_cdp_cmd("Page.getLayoutMetrics", {})["cssContentSize"]
        clip = {"x": 0, "y": 0, "width": content["width"], "height": content["height"], "scale": 1}
        wanted = {"captureBeyondViewport": True, "clip": clip}
    picture = browser.execute_cdp_cmd("Page.captureScreenshot", wanted)
    (ARTEFACTS / name).write_bytes(base64.b64decode(picture["data"]))


def requests_of(browser):
    events = (json.loads(entry["message"])["message"] for entry in browser.get_log("performance"))
    return [event["params"]["request"]["url"] for event in events if event["method"] == "Network.requestWillBeSent"]


@pytest.mark.parametrize(
    ("size", "dark"), [(WIDE, False), (WIDE, True), (PHONE, False)], ids=["light", "dark", "phone"]
)
def test_the_page_is_drawn_accessible_and_asks_for_nothing(page, size, dark, request):
    axe = importlib.util.find_spec("axe_playwright_python")
    with opened(page, size, dark=dark) as browser:
        keep(browser, f"{request.node.callspec.id}.png")
        assert browser.get_log("browser") == []
        assert [url for url in requests_of(browser) if not url.startswith(("file:", "data:"))] == []
        assert browser.title.endswith("· meltpoint")
        charts = browser.execute_script(
            "return [...document.querySelectorAll('[data-chart]')].map((place) => "
            "[place.dataset.chart, place.querySelectorAll('svg path, svg line').length])"
        )
        assert {name for name, _ in charts} >= {"gain-by-size", "policy-intervals", "vocabulary-map", "learning-curves"}
        assert all(marks > 3 for _, marks in charts), charts
        width = browser.execute_script("return document.documentElement.scrollWidth")
        assert width <= size[0]
        if axe is None:
            pytest.skip("axe-core is not installed: pip install --no-deps axe-playwright-python==0.1.8")
        browser.execute_cdp_cmd(
            "Runtime.evaluate", {"expression": Path(axe.origin).with_name("axe.min.js").read_text(encoding="utf-8")}
        )
        found = browser.execute_async_script("axe.run().then(arguments[arguments.length - 1])")
        grave = [
            (one["id"], one["help"], [node["html"][:200] for node in one["nodes"][:5]])
            for one in found["violations"]
            if one["impact"] in {"serious", "critical"}
        ]
        assert grave == []
        assert len(found["passes"]) > 15


def test_a_word_is_looked_up_by_keyboard_and_its_neighbours_are_told(page):
    from selenium.webdriver.common.keys import Keys

    with opened(page, WIDE) as browser:
        offered = browser.execute_script("return JSON.parse(document.getElementById('offered').textContent)")
        words = browser.execute_script("return JSON.parse(document.getElementById('words').textContent)")
        word = offered[0]
        search = browser.find_element("id", "search")
        search.send_keys(word, Keys.ENTER)
        wait_for(browser, "return document.querySelectorAll('#word .neighbours button').length > 3")
        told = browser.find_element("id", "word").text
        assert word in told
        for neighbour in (*words[word]["before"], *words[word]["after"]):
            assert neighbour in told
        labels = (
            "return [...document.querySelectorAll('[data-chart=vocabulary-map] svg text')].map((t) => t.textContent)"
        )
        assert word in wait_for(browser, labels) or word not in words
        keep(browser, "search.png", whole=False)
        # A neighbour is a button: it leads on to the next word.
        follow = browser.find_element("css selector", "#word .neighbours button")
        next_word = follow.text
        follow.send_keys(Keys.ENTER)
        wait_for(browser, f"return document.getElementById('search').value === {json.dumps(next_word)}")
        search.clear()
        search.send_keys("no-such-word", Keys.ENTER)
        wait_for(browser, "return document.getElementById('word').textContent.includes('is not among the words')")
        assert browser.get_log("browser") == []


def test_the_slider_moves_the_words(page):
    where = (
        "return [...document.querySelectorAll('[data-chart=vocabulary-map] svg path')]"
        ".map((mark) => mark.getAttribute('transform')).join()"
    )
    with opened(page, WIDE) as browser:
        after = browser.execute_script(where)
        browser.execute_script(
            "const slider = document.getElementById('when'); slider.value = 0; slider.dispatchEvent(new Event('input'))"
        )
        wait_for(browser, f"return (() => {{ {where} }})() !== {json.dumps(after)}")


def test_it_prints(page):
    with opened(page, WIDE, dark=True) as browser:
        printed = base64.b64decode(browser.execute_cdp_cmd("Page.printToPDF", {"printBackground": True})["data"])
        ARTEFACTS.mkdir(parents=True, exist_ok=True)
        (ARTEFACTS / "print.pdf").write_bytes(printed)
        assert printed.startswith(b"%PDF")
        assert len(printed) > 30_000
        assert browser.get_log("browser") == []
