"""Addresses of operations: asking for one, following it, its output, what was done before."""

from django.urls import path

from opsportal.operations import ask_views, command_views, deploy_views, schedule_views, views

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
    path("environments/<str:name>/do/<str:kind_name>", ask_views.ask, name="ask"),
    path("environments/<str:name>/commands/<int:pk>", command_views.use, name="command_use"),
    path("commands/", command_views.everything, name="commands"),
    path("commands/new", command_views.edit, name="command_new"),
    path("commands/<int:pk>", command_views.edit, name="command_edit"),
    path("commands/<int:pk>/remove", command_views.remove, name="command_remove"),
    path("schedules/", schedule_views.everything, name="schedules"),
    path("schedules/new", schedule_views.new, name="schedule_new"),
    path("schedules/<int:pk>/switch", schedule_views.switch, name="schedule_switch"),
    path("schedules/<int:pk>/remove", schedule_views.remove, name="schedule_remove"),
]
