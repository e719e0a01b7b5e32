"""Prompts as hostile as prompts can be: kept as they are, and text on every page that shows them."""

from __future__ import annotations

import pytest

from accounts.models import Role
from generations.actions import commenting
from generations.models import Batch, Comparison, Generation, Notice, Preset, ShareLink
from tests.comparing.conftest import compared, finish
from tests.conftest import Person, ask
from tests.web.conftest import browser_of, let_in, made, text_of

MARKUP = '<script>alert("x")</script>"><img src=x onerror=alert(1)>'
HOSTILE = [
    MARKUP,
    "{{ 7|add:7 }}{% now 'Y' %}{# x #}",
    "=HYPERLINK(1)\r\n+1",
    "\u202eevil\u2066 \u200b\ufeff",
    "</textarea></title></template><!--",
    "'; DROP TABLE x; --\\",
]


def pages_with(prompt: str, work: Generation, ada: Person, staff: Person) -> dict[str, Person]:
    """Put the prompt wherever one can stand; the pages that may show it, and who looks at each."""
    picture = made(work, name=prompt[:200], revised_prompt=prompt, tags=[prompt[:100]])
    own = {"project": ada.project, "user": ada.user}
    batch = Batch.objects.create(**own, name=prompt[:100], works=1, pictures=1, quoted=1)
    Generation.objects.filter(id=work.id).update(batch=batch)
    Preset.objects.create(**own, name=prompt[:100])
    comparison: Comparison = compared(ada, prompt=prompt)
    for column in Generation.objects.filter(comparison=comparison):
        finish(column)
    commenting.say(principal=staff.principal, asset_id=picture.id, text=prompt)
    Notice.objects.create(
        user=ada.user, kind="generation", project=ada.project, about={"generation": str(work.id)}
    )
    ShareLink.objects.create(asset=picture, user=ada.user)
    return {
        "/": ada,
        f"/?from={work.id}": ada,
        "/library": ada,
        "/trash": ada,
        "/wallet": ada,
        "/notices": ada,
        "/presets": ada,
        "/batches": ada,
        "/collections": ada,
        "/arena": ada,
        f"/batches/{batch.id}": ada,
        f"/pictures/{picture.id}": ada,
        f"/pictures/{picture.id}/similar": ada,
        f"/generations/{work.id}": ada,
        f"/comparisons/{comparison.id}": ada,
        f"/projects/{ada.project.id}/activity": ada,
        "/oversight": staff,
        "/admin/generations/generation/": staff,
        f"/admin/generations/generation/{work.id}/change/": staff,
    }


@pytest.mark.parametrize("prompt", HOSTILE, ids=ascii)
def test_a_prompt_is_text_wherever_it_is_shown(prompt: str, ada: Person, staff: Person) -> None:
    let_in(ada, staff, Role.EDITOR)
    work = ask(ada, prompt)
    assert Generation.objects.get(id=work.id).prompt == prompt
    shown = 0
    for path, person in pages_with(prompt, work, ada, staff).items():
        answer = browser_of(person).get(path)
        assert answer.status_code == 200, path
        html = answer.content.decode()
        assert "<script>alert" not in html, path
        assert "<img src=x" not in html, path
        assert "</textarea></title>" not in html, path
        assert "x onerror=alert(1)>" not in html, path
        said = " ".join(prompt.split())
        shown += said in text_of(answer)
    assert shown >= 8, "it is nowhere to be read"
