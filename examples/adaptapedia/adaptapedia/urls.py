"""The pages of the site: the admin, figures for a dashboard, tokens for its API."""

from django.contrib import admin
from django.urls import path
from ingestion.views import no_icon, statistics
from rest_framework_simplejwt.views import TokenBlacklistView, TokenObtainPairView, TokenRefreshView

urlpatterns = [
    path("", statistics),
    path("favicon.ico", no_icon),
    path("admin/", admin.site.urls),
    path("api/token/", TokenObtainPairView.as_view()),
    path("api/token/refresh/", TokenRefreshView.as_view()),
    path("api/token/blacklist/", TokenBlacklistView.as_view()),
]
