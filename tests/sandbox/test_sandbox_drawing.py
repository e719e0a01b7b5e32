from dataclasses import replace
from pathlib import Path
from subprocess import run
from sys import executable

import pytest

from providers.sandbox.drawing import Picture, render
from providers.sandbox.references import decode
from tests.sandbox.conftest import opened, picture

FOX = Picture("runware", "a fox in the snow", 480, 320, seed=7, count=2)


def test_the_same_picture_is_the_same_bytes() -> None:
    assert render(FOX) == render(replace(FOX))


@pytest.mark.parametrize(
    "change",
    [
        {"prompt": "an owl"},
        {"seed": 0},
        {"seed": None},
        {"index": 1},
        {"gateway": "prospolabs"},
        {"notes": ("3K",)},
    ],
)
def test_whatever_is_asked_differently_looks_different(change: dict[str, object]) -> None:
    assert render(replace(FOX, **change)) != render(FOX)  # type: ignore[arg-type]


def test_no_picture_names_its_gateway_so_that_they_can_be_judged_blind() -> None:
    assert FOX.facts == ["480×320", "seed 7", "1 of 2"]


def test_every_picture_says_that_it_is_the_sandboxes_and_shows_the_words_of_its_prompt() -> None:
    def pixels(drawn: Picture, colour: tuple[int, int, int], box: tuple[int, int, int, int]) -> int:
        found = opened(render(replace(drawn, format="png"))).crop(box).getcolors(1_000_000) or []
        return sum(times for times, seen in found if seen == colour)

    large = replace(FOX, width=1440, height=960)
    corner, foot = (0, 0, 480, 120), (0, 720, 1440, 960)
    for drawn in (large, replace(large, prompt="an owl", seed=None), replace(large, gateway="prospolabs")):
        assert pixels(drawn, (190, 30, 45), corner) > 20, "the letters of SANDBOX"
        assert pixels(drawn, (255, 255, 255), foot) > 20, "the prompt, in white on a dark band"
    assert pixels(replace(large, prompt=""), (255, 255, 255), foot) == 0


def test_references_are_shown_in_their_colours() -> None:
    thumbnail = decode(picture(200, 200, colour="#00ff00")).thumbnail
    image = opened(render(replace(FOX, format="png", references=(thumbnail,))))
    greens = sum(
        image.getpixel((x, y)) in {(0, 255, 0), (0, 255, 1), (0, 254, 0)}
        for x in range(400, 480)
        for y in range(60)
    )
    assert greens > 500


@pytest.mark.parametrize("prompt", ["墨山水", "🦊 fox", "a" * 5000, "\ud800 broken", "שלום\nworld", "\x00"])
def test_any_prompt_can_be_drawn(prompt: str) -> None:
    assert opened(render(replace(FOX, prompt=prompt))).size == (480, 320)


@pytest.mark.parametrize(("width", "height"), [(64, 64), (300, 40), (40, 300)])
def test_small_and_narrow_pictures_can_be_drawn(width: int, height: int) -> None:
    assert opened(render(replace(FOX, width=width, height=height))).size == (width, height)


def test_the_sandbox_knows_nothing_of_django_and_stops_at_a_signal(tmp_path: Path) -> None:
    code = (
        "import os, signal, sys, threading\n"
        "from providers.sandbox.server import run\n"
        "threading.Timer(0.3, os.kill, (os.getpid(), signal.SIGTERM)).start()\n"
        "run('127.0.0.1', 0, None)\n"
        "sys.exit(3 if 'django' in sys.modules else 0)\n"
    )
    root = Path(__file__).parents[2]
    done = run([executable, "-c", code], cwd=root, capture_output=True, text=True, timeout=30, check=False)
    assert done.returncode == 0, done.stderr
    assert "not real" in done.stdout
