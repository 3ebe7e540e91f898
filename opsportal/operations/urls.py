"""Addresses of operations: asking for one, following it, its output, what was done before."""

from django.urls import path

from opsportal.operations import deploy_views, views

app_name = "operations"
urlpatterns = [
    path("operations/", views.history, name="history"),
    path("operations/stream", views.everything, name="everything"),
    path("operations/<uuid:operation_id>/", views.operation, name="operation"),
    path("operations/<uuid:operation_id>/stream", views.stream, name="stream"),
    path("operations/<uuid:operation_id>/output", views.output_lines, name="output"),
    path("operations/<uuid:operation_id>/output.txt", views.download, name="download"),
    path("operations/<uuid:operation_id>/cancel", views.cancel, name="cancel"),
    path("operations/<uuid:operation_id>/retry", views.retry, name="retry"),
    path("operations/<uuid:operation_id>/answer", views.answer, name="answer"),
    path("operations/<uuid:operation_id>/settle", views.settle, name="settle"),
    path("environments/<str:name>/deploy", deploy_views.deploy, name="deploy"),
]
