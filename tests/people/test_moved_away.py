"""A picture that was moved into another project is that project's: where it was made, nothing shows it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest

from accounts import actions
from accounts.models import Role
from generations.actions import voting
from generations.models import Asset, Comparison, Generation
from tests.api.conftest import client_of
from tests.comparing.conftest import finished
from tests.conftest import Person
from tests.library.conftest import do
from tests.web.conftest import brought, browser_of, let_in

NAME = "heron"


@dataclass
class Gone:
    """The picture of one column, moved by its owner to where the guest is not a member."""

    guest: Person
    comparison: Comparison
    picture: Asset

    @property
    def column(self) -> Generation:
        assert self.picture.generation is not None
        return self.picture.generation

    @property
    def mark(self) -> str:
        return voting.mark_of(self.guest.principal, self.column.id)


@pytest.fixture
def gone(ada: Person, stranger: Person) -> Gone:
    let_in(ada, stranger, Role.VIEWER)
    comparison, pictures = finished(ada)
    Asset.objects.filter(id=pictures[0].id).update(name=f"{NAME}.png", tags=[NAME])
    private = actions.create_project(principal=ada.principal, name="Private")
    do(ada, "move", [pictures[0].id], project=private.id)
    return Gone(stranger, comparison, Asset.objects.get(id=pictures[0].id))


@pytest.mark.parametrize(
    "address",
    [
        "/?project={project}",
        "/generations/{generation}",
        "/compare?project={project}",
        "/comparisons/{comparison}",
        "/comparisons/{comparison}?blind=1",
        "/live?seen={generation}:unseen",
    ],
)
def test_no_page_of_the_old_project_shows_it(address: str, gone: Gone) -> None:
    made = gone.column
    named = {"project": made.project_id, "generation": made.id, "comparison": gone.comparison.id}
    page = browser_of(gone.guest).get(address.format(**named))
    assert page.status_code == 200
    text = page.content.decode()
    assert str(gone.picture.id) not in text
    assert gone.mark not in text, "nor is there anything left to judge"


@pytest.mark.parametrize("address", ["/generations/{generation}", "/comparisons/{comparison}"])
def test_the_api_leaves_it_out_of_what_made_it(address: str, gone: Gone) -> None:
    path = address.format(generation=gone.column.id, comparison=gone.comparison.id)
    answer = client_of(gone.guest).get(f"/api/v1{path}")
    assert answer.status_code == 200
    assert str(gone.picture.id) not in answer.text
    assert NAME not in answer.text


def test_its_pixels_are_not_handed_out_under_its_mark(gone: Gone) -> None:
    path = f"/api/v1/comparisons/{gone.comparison.id}/pictures/{gone.mark}"
    assert client_of(gone.guest).get(path).status_code == 404
    assert voting.next_pair(gone.guest.principal, [gone.column.project]) is None


def test_a_reference_from_elsewhere_is_shown_to_those_who_may_see_it(ada: Person, stranger: Person) -> None:
    """What somebody built on stays their own, its name and its words too."""
    let_in(ada, stranger, Role.VIEWER)
    comparison, _pictures = finished(ada)
    work: Any = Generation.objects.filter(comparison=comparison).first()
    built_on = brought(ada, name=f"{NAME}.png")
    work.reference_uses.create(asset=built_on, position=0)
    private = actions.create_project(principal=ada.principal, name="Private")
    do(ada, "move", [built_on.id], project=private.id)
    address = f"/generations/{work.id}"
    assert NAME in browser_of(ada).get(address).content.decode()
    assert NAME not in browser_of(stranger).get(address).content.decode()
