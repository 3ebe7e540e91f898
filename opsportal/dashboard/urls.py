"""Addresses of the pages that show many packages at once."""

from django.urls import path

from opsportal.dashboard import report_page, views

app_name = "dashboard"
urlpatterns = [
    path("", views.home, name="home"),
    path("environments/<str:name>/", views.environment, name="environment"),
    path("environments/<str:name>/wrong", views.wrong, name="wrong"),
    path("tickets/new", report_page.report, name="report"),
    path("tickets/new/alike", report_page.alike, name="report_alike"),
    path("tickets/new/evidence", report_page.evidence, name="report_evidence"),
    path("components/", views.components, name="components"),
]
