from collections.abc import Callable

import pytest

from providers.sandbox.client import Control
from tests.sandbox.conftest import Caller, data_uri, get, opened, picture

Make = Callable[..., Caller]
GENERATE = "/v1/images/seedream/v5/lite/generate/"
EDIT = "/v1/images/seedream/v5/lite/edit/"


@pytest.fixture
def three(caller: Make, control: Control) -> Caller:
    control.settings("threedai", rpm=None)
    return caller("threedai")


def submit(three: Caller, **fields: object) -> str:
    answer = three.post(GENERATE, {"prompt": "a leather watch", **fields})
    assert answer.status_code == 200, answer.text
    return f"/v1/generation-request/{answer.json()['task_id']}/status/"


def test_a_task_goes_from_pending_over_progress_to_its_results(three: Caller, control: Control) -> None:
    control.settings("threedai", latency=4000)
    status = submit(three, num_images=2, seed=0)
    seen = []
    for seconds in (0, 2000, 2100):
        control.advance(seconds)
        told = three.get(status).json()
        seen.append((told["status"], len(told["results"])))
    assert seen == [("PENDING", 0), ("IN_PROGRESS", 0), ("FINISHED", 2)]
    assert told["progress"] == 100
    assert {one["asset_type"] for one in told["results"]} == {"IMAGE"}
    assert all(get(one["asset"]).status_code == 200 for one in told["results"])
    assert control.totals("threedai")["charged"] == 80_000
    assert three.get("/account/user/wallet/").json() == {"balance": "249980.00"}
    assert three.get("/user/wallet/").json() == {"balance": "249980.00"}


@pytest.mark.parametrize(
    ("preset", "size"),
    [
        ("square", (1920, 1920)),
        ("landscape_16_9", (2560, 1440)),
        ("portrait_16_9", (1440, 2560)),
        ("landscape_4_3", (2217, 1663)),
        ("auto_3K", (3072, 3072)),
    ],
)
def test_presets_are_scaled_to_the_models_least_pixels(
    three: Caller, control: Control, preset: str, size: tuple[int, int]
) -> None:
    control.settings("threedai", picture="drawn")
    link = three.get(submit(three, image_size=preset)).json()["results"][0]["asset"]
    assert opened(get(link).content).size == size


def test_the_older_and_the_newer_result_shape(three: Caller, control: Control) -> None:
    status = submit(three)
    assert set(three.get(status).json()["results"][0]) == {"asset_url", "asset", "asset_type", "thumbnail"}
    control.switch("3d.result_keys", "metadata")
    assert set(three.get(status).json()["results"][0]) == {"asset", "asset_type", "metadata"}


@pytest.mark.parametrize(
    "fields",
    [
        {"prompt": ""},
        {"image_size": "16:9"},
        {"num_images": 7},
        {"num_images": 0},
        {"seed": -1},
        {"enable_safety_checker": "no"},
    ],
)
def test_what_is_wrong_is_validation_failed(
    three: Caller, control: Control, fields: dict[str, object]
) -> None:
    answer = three.post(GENERATE, {"prompt": "a watch", **fields})
    assert (answer.status_code, answer.json()["code"]) == (400, "validation_failed")
    assert list(answer.json()["detail"]) == list(fields)
    control.switch("3d.error_shape", "nested")
    assert (
        three.post(GENERATE, {"prompt": "a watch", **fields}).json()["error"]["code"] == "validation_failed"
    )
    control.switch("3d.error_shape", "fields")
    assert list(three.post(GENERATE, {"prompt": "a watch", **fields}).json()) == list(fields)
    assert control.bill() == []


def test_references_are_data_uris_only(three: Caller) -> None:
    good = data_uri(picture())
    assert three.post(EDIT, {"prompt": "warmer", "image_urls": [good] * 10}).status_code == 200
    for bad in (["https://example.com/a.png"], [], [good] * 11, [data_uri(b"text")], None):
        assert three.post(EDIT, {"prompt": "warmer", "image_urls": bad}).status_code == 400


@pytest.mark.parametrize("bad", [picture(13, 64), picture(64, 6001), picture() + bytes(10_000_000)])
def test_a_reference_has_14_to_6000_pixels_a_side_and_10_megabytes(three: Caller, bad: bytes) -> None:
    assert three.post(EDIT, {"prompt": "warmer", "image_urls": [data_uri(bad)]}).status_code == 400


def test_a_body_above_30_megabytes_is_413(three: Caller) -> None:
    assert three.post(GENERATE, {"prompt": "warmer", "filler": "x" * 30_000_000}).status_code == 413


def test_an_automatic_size_takes_the_shape_of_the_first_reference(three: Caller, control: Control) -> None:
    control.settings("threedai", picture="drawn")
    answer = three.post(EDIT, {"prompt": "warmer", "image_urls": [data_uri(picture(200, 50))]})
    status = f"/v1/generation-request/{answer.json()['task_id']}/status/"
    link = three.get(status).json()["results"][0]["asset"]
    assert opened(get(link).content).size == (4096, 1024)


def test_without_its_slash_a_path_redirects_or_is_not_found(three: Caller, control: Control) -> None:
    answer = three.post(GENERATE.rstrip("/"), {"prompt": "a watch"})
    assert (answer.status_code, answer.headers["Location"]) == (301, GENERATE)
    control.switch("3d.missing_slash", 404)
    assert three.post(GENERATE.rstrip("/"), {"prompt": "a watch"}).status_code == 404


def test_three_submits_a_minute_and_polls_are_free(caller: Make, control: Control) -> None:
    three = caller("threedai")
    status = [submit(three) for _ in range(3)].pop()
    answer = three.post(GENERATE, {"prompt": "a watch"})
    assert (answer.status_code, answer.json()["code"]) == (429, "rate_limited")
    assert 1 <= int(answer.headers["Retry-After"]) <= 60
    assert three.get(status).status_code == 200
    control.switch("3d.rate_counts_polls", True)
    assert three.get(status).status_code == 429
    assert (
        three.http.post(GENERATE, json={"prompt": "b"}, headers={"Authorization": "Bearer other"}).status_code
        == 200
    )
    control.advance(61)
    assert three.get(status).status_code == 200


def test_a_failed_task_says_why_and_gives_its_credits_back(three: Caller, control: Control) -> None:
    control.fault("fails", gateway="threedai")
    told = three.get(submit(three)).json()
    assert (told["status"], bool(told["failure_reason"])) == ("FAILED", True)
    assert control.totals("threedai")["net"] == 0
    assert three.get("/user/wallet/").json() == {"balance": "250000.00"}
    control.fault("refused_content", gateway="threedai")
    assert "Content policy" in three.get(submit(three)).json()["failure_reason"]
    control.fault("fails", gateway="threedai", charged=True)
    assert three.get(submit(three)).json()["status"] == "FAILED"
    assert control.totals("threedai")["net"] == 40_000


def test_results_expire_after_a_day(three: Caller, control: Control) -> None:
    status = submit(three)
    link = three.get(status).json()["results"][0]["asset"]
    control.advance(86_401)
    assert get(link).status_code == 404
    control.switch("3d.expired_results", "empty")
    assert three.get(status).json()["results"] == []


def test_another_key_does_not_see_the_task(three: Caller, caller: Make) -> None:
    assert caller("threedai", key="somebody-else").get(submit(three)).status_code == 404
