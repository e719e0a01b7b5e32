"""Projects: who may do what, and that somebody always owns one."""

from __future__ import annotations

from collections.abc import Callable
from uuid import UUID

import pytest

from accounts import actions
from accounts.errors import Conflict, Invalid, NotAllowed, NotFound, Refusal
from accounts.models import AuditEvent, Membership, Project, Role
from accounts.principal import Principal
from generations.actions import uploads
from tests.billing.crowd import crowd
from tests.conftest import Person, ask, make_person
from tests.imaging.corpus import encoded, scene

PNG = encoded(scene(32, 32), "png")
SEES, MAKES, RULES = 1, 2, 3
RANKS = {None: 0, Role.VIEWER: SEES, Role.EDITOR: MAKES, Role.OWNER: RULES}


@pytest.fixture
def ada(db: None) -> Person:
    return make_person(credit=0)


def _look(who: Person, project: Project) -> object:
    return actions.project_where(principal=who.principal, project_id=project.id, role=Role.VIEWER)


def _upload(who: Person, project: Project) -> object:
    return uploads.upload(principal=who.principal, project_id=project.id, chunks=[PNG])


def _rename(who: Person, project: Project) -> object:
    return actions.update_project(principal=who.principal, project_id=project.id, name="renamed")


def _archive(who: Person, project: Project) -> object:
    return actions.archive_project(principal=who.principal, project_id=project.id)


def _let_in(who: Person, project: Project) -> object:
    return actions.set_member(
        principal=who.principal, project_id=project.id, email="cleo@example.com", role=Role.VIEWER
    )


def _throw_out(who: Person, project: Project) -> object:
    cleo = Membership.objects.get(project=project, user__email="cleo@example.com").user_id
    return actions.remove_member(principal=who.principal, project_id=project.id, user_id=cleo)


def _leave(who: Person, project: Project) -> object:
    return actions.remove_member(principal=who.principal, project_id=project.id, user_id=who.user.id)


VERBS: dict[Callable[[Person, Project], object], int] = {
    _look: SEES,
    _leave: SEES,
    _upload: MAKES,
    _rename: RULES,
    _archive: RULES,
    _let_in: RULES,
    _throw_out: RULES,
}


@pytest.mark.parametrize("role", RANKS, ids=str)
@pytest.mark.parametrize("verb", VERBS, ids=lambda verb: verb.__name__)
def test_each_role_may_do_its_own_and_no_more(
    ada: Person, role: Role | None, verb: Callable[[Person, Project], object]
) -> None:
    ben, cleo = (make_person(f"{name}@example.com", credit=0) for name in ("ben", "cleo"))
    for person, their_role in ((ben, role), (cleo, Role.VIEWER)):
        if their_role:
            actions.set_member(
                principal=ada.principal, project_id=ada.project.id, email=person.user.email, role=their_role
            )
    before = AuditEvent.objects.count()

    if RANKS[role] >= VERBS[verb]:
        verb(ben, ada.project)
        return
    with pytest.raises(NotFound if role is None else NotAllowed):
        verb(ben, ada.project)
    assert AuditEvent.objects.count() == before
    ada.project.refresh_from_db()
    assert (ada.project.name, ada.project.archived_at) == ("ada's pictures", None)


@pytest.mark.parametrize("role", RANKS, ids=str)
def test_a_list_shows_the_projects_one_is_in_and_where_one_may_work(ada: Person, role: Role | None) -> None:
    ben = make_person("ben@example.com", credit=0)
    if role:
        actions.set_member(
            principal=ada.principal, project_id=ada.project.id, email=ben.user.email, role=role
        )

    assert (ada.project in Project.objects.visible_to(ben.principal)) is (role is not None)
    for least in Role:
        may = ada.project in Project.objects.where_may(ben.principal, least)
        assert may is (RANKS[role] >= RANKS[least])


def test_the_last_owner_neither_leaves_nor_steps_down(ada: Person) -> None:
    ben = make_person("ben@example.com", credit=0)
    actions.set_member(
        principal=ada.principal, project_id=ada.project.id, email=ben.user.email, role=Role.EDITOR
    )

    def step_down() -> object:
        return actions.set_member(
            principal=ada.principal, project_id=ada.project.id, email=ada.user.email, role=Role.EDITOR
        )

    def leave() -> object:
        return _leave(ada, ada.project)

    for verb in (step_down, leave):
        with pytest.raises(Conflict) as refusal:
            verb()
        assert refusal.value.code == "last_owner"
    actions.set_member(
        principal=ada.principal, project_id=ada.project.id, email=ben.user.email, role=Role.OWNER
    )
    leave()
    assert [(one.user, one.role) for one in Membership.objects.filter(project=ada.project)] == [
        (ben.user, Role.OWNER)
    ]


def test_of_owners_who_all_leave_at_once_one_stays(live: str) -> None:
    ada = make_person(credit=0)
    owners = [ada, *(make_person(f"owner{n}@example.com", credit=0) for n in range(7))]
    for owner in owners[1:]:
        actions.set_member(
            principal=ada.principal, project_id=ada.project.id, email=owner.user.email, role=Role.OWNER
        )

    answers = crowd(len(owners), lambda number: _leave(owners[number], ada.project), refusals=(Refusal,))

    assert (len(answers.made), len(answers.refused)) == (7, 1)
    assert Membership.objects.filter(project=ada.project, role=Role.OWNER).count() == 1


@pytest.mark.parametrize(
    ("email", "role", "field"),
    [("nobody@example.com", "editor", "email"), ("ada@example.com", "king", "role"), ("", "editor", "email")],
)
def test_a_member_who_cannot_be_is_named_by_field(ada: Person, email: str, role: str, field: str) -> None:
    with pytest.raises(Invalid) as refusal:
        actions.set_member(principal=ada.principal, project_id=ada.project.id, email=email, role=role)

    assert set(refusal.value.fields) == {field}


def test_a_project_needs_a_name_and_a_bound_key_makes_none(ada: Person) -> None:
    with pytest.raises(Invalid, match="name"):
        actions.create_project(principal=ada.principal, name=" ")
    with pytest.raises(Invalid, match="name"):
        actions.update_project(principal=ada.principal, project_id=ada.project.id, name=" ")
    key, _ = actions.create_api_key(user=ada.user, name="bound", project_id=ada.project.id)
    with pytest.raises(NotAllowed):
        actions.create_project(principal=Principal(ada.user, key), name="another")


def test_who_left_sees_nothing_more_and_their_pictures_stay(ada: Person) -> None:
    ben = make_person("ben@example.com", credit=0)
    actions.set_member(
        principal=ada.principal, project_id=ada.project.id, email=ben.user.email, role=Role.EDITOR
    )
    uploads.upload(principal=ben.principal, project_id=ada.project.id, chunks=[PNG])

    actions.remove_member(principal=ada.principal, project_id=ada.project.id, user_id=ben.user.id)

    with pytest.raises(NotFound):
        ask(Person(ben.user, ada.project))
    assert ada.project.assets.count() == 1
    with pytest.raises(NotFound):
        actions.remove_member(principal=ada.principal, project_id=ada.project.id, user_id=UUID(int=0))
