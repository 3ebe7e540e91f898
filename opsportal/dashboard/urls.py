"""Addresses of the pages that show many packages at once."""

from django.urls import path

from opsportal.dashboard import views

app_name = "dashboard"
urlpatterns = [
    path("", views.home, name="home"),
    path("environments/<str:name>/", views.environment, name="environment"),
    path("environments/<str:name>/wrong", views.wrong, name="wrong"),
    path("components/", views.components, name="components"),
]
