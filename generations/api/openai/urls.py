"""Addresses under /v1."""

from __future__ import annotations

from django.urls import path

from generations.api.openai import views

urlpatterns = [
    path("images/generations", views.Generations.as_view()),
    path("images/edits", views.Edits.as_view()),
    path("models", views.Models.as_view()),
    path("models/<str:name>", views.OneModel.as_view()),
]
