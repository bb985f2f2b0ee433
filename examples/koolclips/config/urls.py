"""The pages of the site."""

from django.urls import path
from viral_clips.views import clips

urlpatterns = [path("", clips)]
