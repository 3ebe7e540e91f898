"""Addresses of notifications: one's own, and the admin's."""

from django.urls import path

from opsportal.notifications import views

app_name = "notifications"
urlpatterns = [
    path("notifications/", views.mine, name="mine"),
    path("notifications/test", views.test_myself, name="test_myself"),
    path("notifications/manage", views.manage, name="manage"),
    path("notifications/manage/test", views.test_channel, name="test_channel"),
    path("notifications/manage/messages", views.outbox, name="outbox"),
    path("notifications/manage/messages/<uuid:pk>/again", views.again, name="again"),
    path("notifications/manage/words", views.preview, name="preview"),
]
