"""Addresses of runbooks."""

from django.urls import path

from opsportal.runbooks import views

app_name = "runbooks"
urlpatterns = [
    path("runbooks/", views.index, name="index"),
    path("runbooks/for/<str:kind_name>/", views.of_kind, name="of_kind"),
    path("runbooks/<str:name>/", views.runbook, name="runbook"),
]
