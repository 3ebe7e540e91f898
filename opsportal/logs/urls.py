"""Addresses of an environment's log."""

from django.urls import path

from opsportal.logs import views

app_name = "logs"
urlpatterns = [
    path("environments/<str:name>/logs/", views.search, name="search"),
    path("environments/<str:name>/logs/live", views.live, name="live"),
    path("environments/<str:name>/logs/stream", views.stream, name="stream"),
    path("environments/<str:name>/logs/news", views.news, name="news"),
    path("environments/<str:name>/logs/requests", views.requests, name="requests"),
    path("environments/<str:name>/logs/log.txt", views.download, name="download"),
    path("environments/<str:name>/logs/<int:entry_id>", views.entry, name="entry"),
    path("environments/<str:name>/shell", views.shell, name="shell"),
]
