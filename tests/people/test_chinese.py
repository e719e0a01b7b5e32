"""Simplified Chinese beside English: whole, in step with what is compiled, and on every page."""

from __future__ import annotations

import ast
import gettext
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.db.models.functions import Now
from django.test import Client
from django.utils import translation
from django.utils.translation.template import templatize

from accounts.models import Role, User
from billing.models import Every, Subject
from config.env import BASE_DIR
from generations.engine import pace, sending
from generations.imaging.flaws import Flaw, explain
from generations.models import Generation, Relation, Submission, move_submission
from providers import catalog
from providers.errors import Reason
from providers.values import STRATEGIES
from tests.conftest import Person, ask, make_person
from tests.people.conftest import link_to
from tests.people.test_notices import finish
from tests.people.unmarked import MARKS
from tests.web.conftest import brought, browser_of, let_in, made, text_of

FOLDER = BASE_DIR / "locale" / "zh_Hans" / "LC_MESSAGES"
ROOMS = ("accounts", "billing", "config", "generations", "providers")
PLACES = re.compile(r"%\(\w+\)[sd]|\{\w\}|%%")
# Three words of English one after another, in what is not a name, an address or a path.
SENTENCE = re.compile(r"\b[A-Za-z]{2,} [a-z]{2,} [a-z]{2,}\b")


def catalogue() -> dict[str, tuple[str, str]]:
    """Of each text in the .po file: its plural, if any, and its translation."""
    found = {}
    for block in (FOLDER / "django.po").read_text(encoding="utf-8").split("\n\n"):
        parts: dict[str, str] = {}
        name = ""
        for line in block.splitlines():
            if line.startswith("#"):
                assert "fuzzy" not in line, block
                continue
            word, _, rest = line.partition(" ") if line[0] != '"' else (name, "", line)
            name = word
            parts[name] = parts.get(name, "") + str(ast.literal_eval(rest))
        translated = parts.get("msgstr", parts.get("msgstr[0]", ""))
        found[parts["msgid"]] = (parts.get("msgid_plural", ""), translated)
    found.pop("")
    return found


def marked() -> Iterator[tuple[str, Path]]:
    """Every text that is marked for translation, and where."""
    for room in ROOMS:
        for path in (BASE_DIR / room).rglob("*.py"):
            yield from ((text, path) for text in _texts(path.read_text(encoding="utf-8")))
    for path in (BASE_DIR / "templates").rglob("*.*"):
        if path.suffix in {".html", ".txt"}:
            calls = templatize(path.read_text(encoding="utf-8"), origin=str(path))
            for call in re.finditer(r"\b(?:gettext|ngettext|_)\((u?(?:'''|\"\"\"|'|\").*?)\)(?=\s|$)", calls):
                yield from ((text, path) for text in _texts(f"_({call[1]})"))


def _texts(source: str) -> Iterator[str]:
    try:
        tree = ast.parse(source)
    except SyntaxError:
        return
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and node.args and isinstance(node.args[0], ast.Constant):
            called = getattr(node.func, "id", getattr(node.func, "attr", ""))
            if called in MARKS and isinstance(node.args[0].value, str):
                yield node.args[0].value


def said_elsewhere() -> Iterator[tuple[str, Path]]:
    """What rooms without Django say in English, and a page looks up when it shows it."""
    here = BASE_DIR / "providers"
    yield from ((one.sentence, here) for one in Reason)
    yield from ((explain(one), here) for one in Flaw)
    yield from ((strategy, here) for strategy in STRATEGIES)
    for model in catalog.models():
        yield model.description, here
        lists = (model.modalities, model.strengths, model.limits, model.best_for, model.choose, model.avoid)
        notes = (offer.notes for offer in catalog.offers(model.id))
        yield from ((text, here) for texts in (*lists, *model.answers, *notes) for text in texts)


def test_every_marked_text_is_in_the_catalogue() -> None:
    known = catalogue()
    texts = [*marked(), *said_elsewhere()]
    assert len({text for text, _ in texts}) > 700, "the search finds them"
    missing = {f"{path.relative_to(BASE_DIR)}: {text}" for text, path in texts if text not in known}
    assert missing == set()


def test_nothing_is_untranslated_and_every_place_for_a_fact_is_kept() -> None:
    wrong = []
    for text, (plural, translated) in catalogue().items():
        kept = sorted(PLACES.findall(translated))
        if not translated or kept not in (
            sorted(PLACES.findall(text)),
            sorted(PLACES.findall(plural or text)),
        ):
            wrong.append(text)
    assert wrong == []


def test_what_is_compiled_says_what_is_written() -> None:
    with (FOLDER / "django.mo").open("rb") as file:
        compiled = gettext.GNUTranslations(file)
    written = catalogue()
    assert {
        text for text, (plural, said) in written.items() if not plural and compiled.gettext(text) != said
    } == set()
    plurals = [(text, *rest) for text, rest in written.items() if rest[0]]
    assert plurals
    assert [
        one for one, many, said in plurals if {compiled.ngettext(one, many, n) for n in (1, 2)} != {said}
    ] == []


@pytest.fixture
def paths(ada: Person) -> list[str]:
    generation = finish(ask(ada, "一只苍鹭"), after=90, delivered=1)
    asset, project = made(generation), ada.project.id
    brought(ada, name="苍鹭.png")
    finish(ask(ada, "一只鹳"), after=5, status="failed")
    ada.project.name = "苍鹭"
    ada.project.save()
    User.objects.filter(id=ada.user.id).update(name="小艾")
    return [
        "/",
        f"/?project={project}",
        "/library",
        "/library?q=zeppelin",
        f"/pictures/{asset.id}",
        f"/pictures/{asset.id}/similar",
        f"/generations/{generation.id}",
        "/wallet",
        "/spend",
        "/projects",
        f"/projects/{project}",
        f"/projects/{project}/activity",
        "/notices",
        "/settings",
        "/settings/erase",
        "/trash",
        "/collections",
        "/presets",
        "/batches",
        "/find",
        "/compare",
        "/arena",
        "/models",
        "/models/seedream-5-lite",
        "/nowhere",
    ]


def seen(answer: Any) -> str:
    """All that a page says, also in its labels and titles."""
    html = answer.content.decode()
    labels = re.findall(r'\b(?:aria-label|title|placeholder|alt|data-[a-z-]+)="([^"]*)"', html)
    return " · ".join([text_of(answer), *labels])


def test_pages_in_chinese_have_no_english_left(ada: Person, paths: list[str]) -> None:
    client = browser_of(ada)
    client.cookies["django_language"] = "zh-hans"
    left: dict[str, list[str]] = {}
    for path in paths:
        answer = client.get(path)
        answer.content = re.sub(rb"<pre.*?</pre>", b"", answer.content, flags=re.S)  # code is no language
        html = answer.content.decode()
        assert '<html lang="zh-hans"' in html, path
        found = SENTENCE.findall(seen(answer).replace("to begin with", ""))  # a memo, in staff's words
        if found:
            left[path] = sorted(set(found))
    assert left == {}


def test_the_engines_notes_to_staff_are_in_chinese_and_a_gateways_words_as_they_came(
    ada: Person,
) -> None:
    staff = make_person("staff@example.com", staff=True)
    let_in(ada, staff, Role.VIEWER)
    submission = ask(ada, "一只苍鹭", provider="runware").submissions.get()
    move_submission(submission, "sending", sent_at=Now())
    sending.lose_lease(submission, "its worker died while it was on the wire")
    move_submission(Submission.objects.get(), "failed", why="model warming up", reason="provider_failed")
    pace.pause(submission.account_id, pace.BROKEN)
    client = browser_of(staff)
    client.cookies["django_language"] = "zh-hans"
    course = text_of(client.get(f"/generations/{submission.generation_id}"))
    assert "发送途中工作进程终止" in course
    assert SENTENCE.findall(course.replace("model warming up", "", 1)) == []
    assert "model warming up" in course
    accounts = text_of(client.get("/oversight"))
    assert "屡次失败" in accounts
    assert "failing" not in accounts


def test_what_can_be_asked_and_what_can_be_chosen_has_a_name_in_chinese(ada: Person) -> None:
    asked = {"webhook_url": "https://example.com/hook", "ttl": 3600, "safety_check": True}
    generation = ask(ada, "一只苍鹭")
    Generation.objects.filter(id=generation.id).update(parameters={**generation.parameters, **asked})
    client = browser_of(ada)
    client.cookies["django_language"] = "zh-hans"
    said = text_of(client.get(f"/generations/{generation.id}"))
    assert "Webhook 地址 https://example.com/hook" in said
    with translation.override("zh-hans"):
        labels = [str(label) for choices in (Relation, Subject, Every) for label in choices.labels]
    assert [label for label in labels if re.fullmatch(r"[A-Za-z ]+", label)] == []


def test_the_doors_speak_chinese_too(ada: Person) -> None:
    client = Client(headers={"accept-language": "zh-CN,zh;q=0.9"})
    for path in ("/sign-in", "/password/reset", "/sign-up", link_to(ada), "/invitations/x"):
        assert SENTENCE.findall(seen(client.get(path))) == [], path


def test_a_language_once_chosen_follows_its_person_to_another_browser(ada: Person) -> None:
    answer = browser_of(ada).post("/language", {"language": "zh-hans", "next": "/wallet"})
    assert answer["Location"] == "/wallet"
    elsewhere = Client()
    elsewhere.post("/sign-in", {"login": "ada@example.com", "password": "a long enough password"})
    assert 'lang="zh-hans"' in elsewhere.get("/wallet").content.decode()
    browser_of(ada).post("/language", {"language": "xx"})
    ada.user.refresh_from_db()
    assert ada.user.language == "zh-hans"


def test_numbers_and_dates_are_said_as_in_chinese(ada: Person) -> None:
    finish(ask(ada, "一只苍鹭"), after=5, delivered=2)
    client = browser_of(ada)
    client.cookies["django_language"] = "zh-hans"
    page = text_of(client.get(f"/projects/{ada.project.id}/activity"))
    assert "ada 生成了 2 张图片：“一只苍鹭”" in page
    assert re.search(r"\d{4}年\d{1,2}月\d{1,2}日", page)
    assert "$100" in text_of(client.get("/wallet")) or "$99" in text_of(client.get("/wallet"))
