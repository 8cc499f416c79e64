"""Open WebUI in front of a service: models, an answer with a citation that opens, a follow-up, a title.

    python tests/walks/open_webui.py http://127.0.0.1:8090 SHOTS "QUESTION" "FOLLOW-UP"

Runs in an environment of its own with `open-webui` and `selenium`, and with Debian's `chromium` and
`chromium-driver`. Start the service and Open WebUI before (WEBUI_AUTH=False, ENABLE_OLLAMA_API=False,
OPENAI_API_BASE_URL=http://127.0.0.1:8000/v1, OPENAI_API_KEY, OFFLINE_MODE=True, HF_HUB_OFFLINE=1); the service's
generator is `stub_generator.py`, so that the title can be told. Look at the screenshots: what a page shows is not
checked here.
"""

import sys
import time
from pathlib import Path

from selenium import webdriver
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.remote.webdriver import WebDriver
from selenium.webdriver.support.ui import WebDriverWait
from stub_generator import TITLE

PATIENCE = 240
"""Seconds, on a machine with much else to do."""
INPUT = (By.ID, "chat-input")


def browser() -> WebDriver:
    """A headless Chromium."""
    options = webdriver.ChromeOptions()
    options.binary_location = "/usr/bin/chromium"
    for argument in ("--headless=new", "--no-sandbox", "--disable-gpu", "--window-size=1300,1000"):
        options.add_argument(argument)
    driver = webdriver.Chrome(options=options, service=webdriver.ChromeService("/usr/bin/chromedriver"))
    driver.set_page_load_timeout(PATIENCE)
    driver.set_script_timeout(PATIENCE)
    return driver


class Walk:
    """The pages, one after the other."""

    def __init__(self, driver: WebDriver, url: str, shots: Path) -> None:
        self.driver, self.url, self.shots, self.number = driver, url, shots, 0

    def wait(self, condition) -> object:
        """Until a condition of the page is true."""
        return WebDriverWait(self.driver, PATIENCE, 0.5).until(condition)

    def shoot(self, name: str) -> None:
        """A screenshot."""
        self.number += 1
        self.driver.save_screenshot(str(self.shots / f"{self.number:02d}-{name}.png"))
        print(self.number, name, self.driver.title, self.driver.current_url, flush=True)

    def click(self, path: str) -> None:
        """Click the last that an XPath finds."""
        self.wait(lambda driver: driver.find_elements(By.XPATH, path))
        found = self.driver.find_elements(By.XPATH, path)[-1]
        self.driver.execute_script("arguments[0].click()", found)
        time.sleep(2)

    def fetch(self, path: str, method: str = "GET", body: str = "null") -> object:
        """What Open WebUI's own API says to its page."""
        return self.driver.execute_async_script(
            "const done = arguments[arguments.length - 1];"
            f"fetch('{path}', {{method: '{method}', headers: {{'Content-Type': 'application/json', "
            f"authorization: 'Bearer ' + localStorage.token}}, body: {body}}})"
            ".then(r => r.json()).then(done).catch(e => done(String(e)))"
        )

    def start(self) -> None:
        """The first page."""
        self.driver.get(self.url)
        self.wait(lambda driver: driver.find_elements(*INPUT))
        time.sleep(3)
        self.shoot("first-page")
        for label in ("Okay, Let's Go!", "Skip"):
            if self.driver.find_elements(By.XPATH, f'//button[contains(., "{label}")]'):
                self.click(f'//button[contains(., "{label}")]')
        models = [one["id"] for one in self.fetch("/api/models")["data"]]  # type: ignore[index]
        print("models:", models)
        assert "lockstep" in models

    def choose(self, model: str) -> None:
        """Choose a model by its name in the address, and show the list of all."""
        self.click("//button[starts-with(@id, 'model-selector')]")
        self.shoot("models")
        self.driver.get(f"{self.url}/?models={model}")
        self.wait(lambda driver: driver.find_elements(*INPUT))
        time.sleep(3)

    def ask(self, question: str, name: str) -> None:
        """Ask, and wait for the whole answer."""
        answered = len(self.answers())
        field = self.driver.find_element(*INPUT)
        field.click()
        field.send_keys(question)
        time.sleep(1)
        field.send_keys(Keys.ENTER)
        self.wait(lambda driver: len(self.answers()) > answered and self.ended())
        time.sleep(3)
        self.shoot(name)
        print("answer:", self.answers()[-1].text[:400].replace("\n", " | "))

    def answers(self) -> list:
        """The answers on the page."""
        return self.driver.find_elements(By.CSS_SELECTOR, "[id^='message-'] .chat-assistant")

    def ended(self) -> bool:
        """Whether the last answer has its row of buttons."""
        return len(self.driver.find_elements(By.CSS_SELECTOR, ".copy-response-button")) >= len(self.answers())

    def open_citation(self) -> None:
        """Open the list of sources, then the first source's page."""
        self.click("//button[contains(., ' Source')]")
        self.click("//button[contains(., '/documents/')]")
        self.shoot("source")
        links = [
            one.get_attribute("href")
            for one in self.driver.find_elements(By.XPATH, "//a[contains(@href, '/documents/')]")
        ]
        print("links:", links)
        assert links
        here = self.driver.current_url
        self.driver.get(links[0])
        self.shoot("document")
        self.driver.get(here)
        self.wait(lambda driver: self.answers())
        time.sleep(3)

    def title(self) -> None:
        """The title that Open WebUI has asked for: the stub's, which gives it where nothing was searched for it."""
        chats = self.fetch("/api/v1/chats/?page=1")
        print("titles:", [one["title"] for one in chats])  # type: ignore[union-attr,index]
        assert chats[0]["title"] == TITLE  # type: ignore[index]
        self.shoot("title")


def main() -> int:
    """Run the walk."""
    url, shots, question, follow_up = sys.argv[1], Path(sys.argv[2]), sys.argv[3], sys.argv[4]
    shots.mkdir(parents=True, exist_ok=True)
    driver = browser()
    try:
        walk = Walk(driver, url, shots)
        try:
            walk.start()
            walk.choose("lockstep")
            walk.ask(question, "answer")
            walk.open_citation()
            walk.ask(follow_up, "follow-up")
            time.sleep(60)  # titles and tags come after the answer
            walk.title()
        except BaseException:
            walk.shoot("failure")
            raise
    finally:
        driver.quit()
    return 0


if __name__ == "__main__":
    sys.exit(main())
