"""Addresses of sign-in, sign-out and one's own account."""

from django.urls import path

from opsportal.accounts import views

app_name = "accounts"
urlpatterns = [
    path("sign-in", views.sign_in, name="sign_in"),
    path("sign-out", views.sign_out, name="sign_out"),
    path("account", views.account, name="account"),
    path("account/github", views.github_login, name="github_login"),
    path("account/time-zone", views.time_zone, name="time_zone"),
]
