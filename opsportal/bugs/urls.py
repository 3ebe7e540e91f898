"""Addresses of the tickets."""

from django.urls import URLPattern

app_name = "bugs"
urlpatterns: list[URLPattern] = []
