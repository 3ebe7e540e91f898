"""Addresses of operations."""

from django.urls import path

from opsportal.operations import views

app_name = "operations"
urlpatterns = [path("operations/", views.history, name="history")]
