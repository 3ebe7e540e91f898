"""Every address of getgov."""

from django.urls import path

from registrar import views

urlpatterns = [
    path("", views.home, name="home"),
    path("domains/<str:name>", views.domain, name="domain"),
    path("health", views.health, name="health"),
    path("version", views.version, name="version"),
    path("raise", views.raise_error, name="raise"),
]
