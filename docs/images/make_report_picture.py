"""Takes docs/images/report.png: the top of the report of a run, as Debian's Chromium shows it.

python docs/images/make_report_picture.py meltpoint-demo
"""

import argparse
import base64
import shutil
import sys
import time
from pathlib import Path

from selenium import webdriver
from selenium.webdriver.chrome.service import Service

from meltpoint.run import Run

WIDTH, HEIGHT = 1180, 1310
PICTURE = Path(__file__).with_name("report.png")
FLAGS = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--hide-scrollbars"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
)


def main() -> None:
    """Takes the picture of the run that the command line names."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path, metavar="RUN", help="a run folder")
    page = Run.open(parser.parse_args().run).report()
    chromium, driver = shutil.which("chromium"), shutil.which("chromedriver")
    if chromium is None or driver is None:
        sys.exit("chromium and chromedriver are needed: apt install chromium chromium-driver")
    options = webdriver.ChromeOptions()
    options.binary_location = chromium
    for flag in FLAGS:
        options.add_argument(flag)
    browser = webdriver.Chrome(options=options, service=Service(driver))
    try:
        device = {"width": WIDTH, "height": HEIGHT, "deviceScaleFactor": 1, "mobile": False}
        browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", device)
        browser.get(page.resolve().as_uri())
        deadline = time.monotonic() + 60
        while not browser.execute_script("return document.documentElement.dataset.ready"):
            if time.monotonic() > deadline:
                sys.exit(f"{page} was not drawn within a minute")
            time.sleep(0.1)
        PICTURE.write_bytes(base64.b64decode(browser.execute_cdp_cmd("Page.captureScreenshot", {})["data"]))
    finally:
        browser.quit()


if __name__ == "__main__":
    main()
