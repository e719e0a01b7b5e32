"""Every address."""

from __future__ import annotations

from django.contrib import admin
from django.urls import include, path
from drf_spectacular.views import SpectacularJSONAPIView, SpectacularSwaggerView

from config import health
from generations.api.assets import linked
from generations.webhooks import receive

urlpatterns = [
    path("admin/", admin.site.urls),
    path("api/openapi.json", SpectacularJSONAPIView.as_view(), name="openapi"),
    path("api/docs", SpectacularSwaggerView.as_view(url_name="openapi")),
    path("api/v1/", include("generations.api.urls")),
    path("v1/", include("generations.api.openai.urls")),
    path("p/<str:token>", linked),
    path("hooks/<str:provider>/<str:token>", receive),
    path("health/live", health.live),
    path("health/ready", health.ready),
    path("metrics", health.metrics),
    path("", include("generations.web.urls")),
]

handler400 = "config.api.bad_request"
handler403 = "config.api.forbidden"
handler404 = "config.api.not_found"
handler500 = "config.api.server_error"
