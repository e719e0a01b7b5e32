"""Projects and their people, over HTTP."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from rest_framework import serializers, status
from rest_framework.request import Request
from rest_framework.response import Response

from accounts import actions
from accounts.describe import PAGED, described, page_of
from accounts.endpoint import Endpoint
from accounts.errors import Invalid, NotFound
from accounts.models import Membership, Project, Role
from accounts.paging import PAGING, page
from accounts.principal import Principal


class ProjectBody(serializers.Serializer[Any]):
    name = serializers.CharField(max_length=200)


class ProjectAnswer(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    object = serializers.CharField(help_text="project")
    name = serializers.CharField()
    role = serializers.ChoiceField(Role.choices, help_text="What you may do in it")
    created_at = serializers.DateTimeField()
    archived_at = serializers.DateTimeField(allow_null=True)


class MemberBody(serializers.Serializer[Any]):
    email = serializers.EmailField()
    role = serializers.ChoiceField(Role.choices, default=Role.VIEWER)


class RoleBody(serializers.Serializer[Any]):
    role = serializers.ChoiceField(Role.choices)


class MemberAnswer(serializers.Serializer[Any]):
    user = serializers.UUIDField()
    object = serializers.CharField(help_text="member")
    email = serializers.EmailField()
    name = serializers.CharField()
    role = serializers.ChoiceField(Role.choices)
    created_at = serializers.DateTimeField()


class Projects(Endpoint):
    """The projects of a person."""

    filters = PAGING

    @described("list_projects", "My projects", {200: page_of(ProjectAnswer, "ProjectPage")}, query=PAGED)
    def get(self, request: Request) -> Response:
        return page(
            request,
            self.query,
            Project.objects.visible_to(self.principal),
            lambda projects: projects_json(self.principal, projects),
        )

    @described("create_project", "Start a project, as its owner", {201: ProjectAnswer}, body=ProjectBody)
    def post(self, request: Request) -> Response:
        project = actions.create_project(principal=self.principal, name=_text(self.body(request), "name"))
        return Response(projects_json(self.principal, [project])[0], status.HTTP_201_CREATED)


class OneProject(Endpoint):
    """One project."""

    @described("get_project", "One project", {200: ProjectAnswer}, errors=[404])
    def get(self, request: Request, project_id: UUID) -> Response:
        project = _visible(self.principal, project_id)
        return Response(projects_json(self.principal, [project])[0])

    @described("rename_project", "Rename a project", {200: ProjectAnswer}, body=ProjectBody, errors=[404])
    def patch(self, request: Request, project_id: UUID) -> Response:
        project = actions.update_project(
            principal=self.principal, project_id=project_id, name=_text(self.body(request), "name")
        )
        return Response(projects_json(self.principal, [project])[0])

    @described(
        "archive_project",
        "Put a project away; its pictures and books are kept",
        {204: None},
        errors=[404, 409],
    )
    def delete(self, request: Request, project_id: UUID) -> Response:
        actions.archive_project(principal=self.principal, project_id=project_id)
        return Response(status=status.HTTP_204_NO_CONTENT)


class Members(Endpoint):
    """The people of a project."""

    filters = PAGING

    @described(
        "list_members",
        "Who is in a project",
        {200: page_of(MemberAnswer, "MemberPage")},
        query=PAGED,
        errors=[404],
    )
    def get(self, request: Request, project_id: UUID) -> Response:
        project = _visible(self.principal, project_id)
        members = Membership.objects.filter(project=project).select_related("user")
        return page(request, self.query, members, lambda rows: [member_json(row) for row in rows])

    @described(
        "add_member",
        "Let somebody in, or change their role",
        {201: MemberAnswer},
        body=MemberBody,
        errors=[404],
    )
    def post(self, request: Request, project_id: UUID) -> Response:
        body = self.body(request)
        member = actions.set_member(
            principal=self.principal,
            project_id=project_id,
            email=_text(body, "email"),
            role=_text(body, "role") if "role" in body else Role.VIEWER,
        )
        return Response(member_json(member), status.HTTP_201_CREATED)


class OneMember(Endpoint):
    """One person's place in a project."""

    @described("change_role", "Change a role", {200: MemberAnswer}, body=RoleBody, errors=[404])
    def patch(self, request: Request, project_id: UUID, user_id: UUID) -> Response:
        project = _visible(self.principal, project_id)
        member = Membership.objects.filter(project=project, user_id=user_id).select_related("user").first()
        if member is None:
            raise NotFound("There is no such member.")
        changed = actions.set_member(
            principal=self.principal,
            project_id=project_id,
            email=member.user.email,
            role=_text(self.body(request), "role"),
        )
        return Response(member_json(changed))

    @described("remove_member", "Remove somebody, or leave", {204: None}, errors=[404, 409])
    def delete(self, request: Request, project_id: UUID, user_id: UUID) -> Response:
        actions.remove_member(principal=self.principal, project_id=project_id, user_id=user_id)
        return Response(status=status.HTTP_204_NO_CONTENT)


def projects_json(principal: Principal, projects: Sequence[Project]) -> list[dict[str, Any]]:
    """Projects with the principal's role in each."""
    roles = dict(
        Membership.objects.filter(user=principal.user, project__in=projects).values_list("project_id", "role")
    )
    return [
        {
            "id": project.id,
            "object": "project",
            "name": project.name,
            "role": roles.get(project.id),
            "created_at": project.created_at,
            "archived_at": project.archived_at,
        }
        for project in projects
    ]


def member_json(member: Membership) -> dict[str, Any]:
    return {
        "user": member.user_id,
        "object": "member",
        "email": member.user.email,
        "name": member.user.display_name,
        "role": member.role,
        "created_at": member.created_at,
    }


def _visible(principal: Principal, project_id: UUID) -> Project:
    found = Project.objects.visible_to(principal).filter(id=project_id).first()
    if found is None:
        raise NotFound("There is no such project.", code="project_not_found")
    return found


def _text(body: dict[str, Any], name: str) -> str:
    value = body.get(name)
    if not isinstance(value, str):
        raise Invalid(f"{name} must be text.", fields={name: ["Must be text."]})
    return value
