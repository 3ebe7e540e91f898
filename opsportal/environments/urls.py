"""Addresses of environments that need nothing but environments: holds."""

from django.urls import path

from opsportal.environments import views

app_name = "environments"
urlpatterns = [
    path("environments/<str:name>/hold", views.hold, name="hold"),
    path("environments/<str:name>/release", views.release, name="release"),
]
