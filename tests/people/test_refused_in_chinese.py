"""Why something is refused, and what would mend it, is said in the language of whoever asked."""

from __future__ import annotations

import ast
from collections.abc import Callable
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from accounts.models import Role
from billing.models import Budget
from billing.pricing import set_price
from config.env import BASE_DIR
from generations.actions import assets
from generations.models import Generation
from tests.api.conftest import client_of, send
from tests.conftest import Person, ask, make_person
from tests.people.test_chinese import ROOMS, SENTENCE, seen
from tests.people.test_notices import finish
from tests.people.unmarked import kinds, unmarked
from tests.web.conftest import brought, browser_of, form_of, let_in

FRAGMENT = {"HX-Request": "true"}
CHINESE = {"Accept-Language": "zh-Hans"}
Refused = Callable[[Person, Client], Any]


def test_every_sentence_that_refuses_or_reports_is_marked_for_translation() -> None:
    files = [path for room in ROOMS for path in (BASE_DIR / room).rglob("*.py")]
    trees = {path: ast.parse(path.read_text(encoding="utf-8")) for path in files}
    known = kinds(trees.values())
    assert len(known) > 12, "the search finds them"
    bare = {
        f"{path.relative_to(BASE_DIR)}:{line}: {said}"
        for path, tree in trees.items()
        for line, said in unmarked(tree, known)
    }
    assert bare == set()


@pytest.mark.parametrize(
    "source",
    [
        'raise Invalid("name is not right.")',
        'raise Invalid(_("name is not right."), fields={"name": ["Is not right."]})',
        'raise Invalid(f"name {sentence}, or not", fields={"name": [sentence]})',
        'def f(name):\n sentence = f"at most {name} words"\n raise wrong(name, sentence)',
        'def _no(why):\n return Late(why)\ndef g():\n raise _no("it is too late")',
        'FIELDS = {"a": ["Leave it out."]}\ndef f():\n raise NotFound(_("x"), fields=FIELDS)',
        'mistakes.add("name", "is " + "not right.")',
        'messages.info(request, "It is done.")',
    ],
)
def test_a_sentence_that_is_not_marked_is_found(source: str) -> None:
    known = kinds(
        [ast.parse("class Late(Refusal): pass\nclass Invalid(Refusal): pass\nclass NotFound(Late): pass")]
    )
    assert list(unmarked(ast.parse(source), known))


def too_little_credit(ada: Person, client: Client) -> Any:
    poor = make_person("poor@example.com", credit=1_000)
    return chinese(poor).post("/generations", form_of(poor))


def a_budget_that_is_used_up(ada: Person, client: Client) -> Any:
    Budget.objects.create(scope="person", subject_id=ada.user.id, amount=1, every="month")
    return client.post("/generations", form_of(ada))


def no_prompt(ada: Person, client: Client) -> Any:
    return client.post("/generations", form_of(ada, prompt=""))


def a_prompt_too_long(ada: Person, client: Client) -> Any:
    return client.post("/generations", form_of(ada, prompt="鹭" * 8_001))


def a_size_that_is_not_made(ada: Person, client: Client) -> Any:
    return client.post("/generations", form_of(ada, provider="bytespike", resolution="3K"))


def a_seed_that_is_not_taken(ada: Person, client: Client) -> Any:
    return client.post("/quotes", form_of(ada, provider="runware", seed="7"), headers=FRAGMENT)


def nothing_on_sale(ada: Person, client: Client) -> Any:
    set_price(model="seedream-5-lite", provider="runware", unit=None)
    return client.post("/generations", form_of(ada, provider="runware"))


def too_many_prompts(ada: Person, client: Client) -> Any:
    return client.post("/generations", form_of(ada, prompt="{a|b|c|d|e|f|g|h|i|j}" * 3, many="1"))


def a_name_that_is_missing(ada: Person, client: Client) -> Any:
    return client.post("/projects", {"name": " "})


def a_preset_without_a_name(ada: Person, client: Client) -> Any:
    return client.post("/presets", {**form_of(ada), "preset_name": ""})


def somebody_unknown(ada: Person, client: Client) -> Any:
    path = f"/projects/{ada.project.id}/members"
    return client.post(path, {"email": "nobody@example.com", "role": "editor"})


def somebody_who_is_in_already(ada: Person, client: Client) -> Any:
    path = f"/projects/{ada.project.id}/invitations"
    return client.post(path, {"email": ada.user.email, "role": "editor"})


def no_address(ada: Person, client: Client) -> Any:
    return client.post(f"/projects/{ada.project.id}/invitations", {"email": "no address", "role": "editor"})


def a_weak_password(ada: Person, client: Client) -> Any:
    asked = {"oldpassword": "a long enough password", "password1": "123", "password2": "123"}
    return client.post("/settings/password", asked)


def a_role_too_low(ada: Person, client: Client) -> Any:
    viewer = make_person("viewer@example.com")
    let_in(ada, viewer, Role.VIEWER)
    return chinese(viewer).post(f"/projects/{ada.project.id}/name", {"name": "mine"})


def not_a_picture(ada: Person, client: Client) -> Any:
    return client.post("/find", {"file": SimpleUploadedFile("a.png", b"<html>", "image/png")})


def a_comment_without_words(ada: Person, client: Client) -> Any:
    path = f"/pictures/{brought(ada, name='苍鹭.png').id}/comments"
    return client.post(path, {"text": ""}, headers=FRAGMENT)


def a_picture_in_the_trash(ada: Person, client: Client) -> Any:
    asset = brought(ada, name="苍鹭.png")
    assets.trash(principal=ada.principal, asset_id=asset.id)
    path = f"/pictures/{asset.id}/change"
    return client.post(path, {"verb": "rate", "rating": "3"}, headers=FRAGMENT)


def work_that_failed(ada: Person, client: Client) -> Any:
    generation = finish(ask(ada, "一只苍鹭"), after=5, status="failed")
    Generation.objects.filter(id=generation.id).update(error_code="content_refused")
    return client.get(f"/generations/{generation.id}")


def the_catalogue(ada: Person, client: Client) -> Any:
    return client.get("/models")


def chinese(person: Person) -> Client:
    client = browser_of(person)
    client.cookies["django_language"] = "zh-hans"
    return client


@pytest.mark.parametrize(
    ("refused", "said"),
    [
        (too_little_credit, "可用 $0.001"),
        (a_budget_that_is_used_up, "此用户的预算本月只剩"),
        (no_prompt, "不能为空"),
        (a_prompt_too_long, "最多 8,000 个字符"),
        (a_size_that_is_not_made, "不生成 3K"),
        (a_seed_that_is_not_taken, "不支持种子"),
        (nothing_on_sale, "尚未定价"),
        (too_many_prompts, "批量任务最多 500 条"),
        (a_name_that_is_missing, "请为项目起一个名称"),
        (a_preset_without_a_name, "请为预设起一个"),
        (somebody_unknown, "没有账号使用此邮箱"),
        (somebody_who_is_in_already, "已在项目中"),
        (no_address, "合法的邮件地址"),
        (a_weak_password, "至少 10 个字符"),
        (a_role_too_low, "需要"),
        (not_a_picture, "不是 PNG、JPEG、WebP 或 AVIF 图片"),
        (a_comment_without_words, "请写下您想说的话"),
        (a_picture_in_the_trash, "请先恢复"),
        (work_that_failed, "内容规则拒绝"),
        (the_catalogue, "根据文字生成图片"),
    ],
    ids=lambda value: value.__name__ if callable(value) else "",
)
def test_a_chinese_reader_is_told_in_chinese(ada: Person, refused: Refused, said: str) -> None:
    page = seen(refused(ada, chinese(ada)))
    assert said in page, page
    assert SENTENCE.findall(page.replace("to begin with", "")) == []


def test_a_program_reads_english_unless_it_asks_and_codes_and_names_are_the_same(ada: Person) -> None:
    client, path = client_of(ada), "/api/v1/generations"
    english = send(client, "POST", path, {"prompt": ""}).json()["error"]
    chinese = send(client, "POST", path, {"prompt": ""}, headers=CHINESE).json()["error"]
    assert english["message"] == "prompt must not be empty."
    assert chinese["message"] == "prompt 不能为空。"
    assert (chinese["code"], list(chinese["fields"])) == (english["code"], list(english["fields"]))


def test_why_work_failed_is_kept_as_a_code_and_said_to_each_reader_in_their_language(ada: Person) -> None:
    generation = finish(ask(ada), after=5, status="failed")
    Generation.objects.filter(id=generation.id).update(error_code="content_refused")
    path, client = f"/api/v1/generations/{generation.id}", client_of(ada)
    assert "content rules refused" in client.get(path).json()["error"]["message"]
    assert "内容规则拒绝" in client.get(path, headers=CHINESE).json()["error"]["message"]


def test_a_kept_answer_is_said_again_in_the_language_of_whoever_asks_again(ada: Person) -> None:
    client, path, body = client_of(ada), "/api/v1/generations", {"prompt": "一只苍鹭"}
    key = {"Idempotency-Key": "once"}
    asked = send(client, "POST", path, body, headers=key).json()
    finish(Generation.objects.get(id=asked["id"]), after=5, status="failed")
    Generation.objects.filter(id=asked["id"]).update(error_code="content_refused")
    first = send(client, "POST", path, body, headers={**key, **CHINESE, "Prefer": "wait=5"})
    again = send(client, "POST", path, body, headers=key)
    assert "内容规则拒绝" in first.json()["error"]["message"]
    assert again.headers["Idempotency-Replayed"] == "true"
    assert "content rules refused" in again.json()["error"]["message"]
