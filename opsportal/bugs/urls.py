"""Addresses of the tickets. Reporting one (/tickets/new) is the dashboard's: it gathers what many packages know."""

from django.urls import path

from opsportal.bugs import approval_views, clock_views, list_views, refinement_views, views

app_name = "bugs"
urlpatterns = [
    path("tickets", list_views.tickets, name="tickets"),
    path("tickets/approvals", approval_views.approvals, name="approvals"),
    path("tickets/refinement", refinement_views.refinement, name="refinement"),
    path("tickets/clocks", clock_views.clocks, name="clocks"),
    path("tickets/views", list_views.save_view, name="save_view"),
    path("tickets/views/<int:pk>/remove", list_views.remove_view, name="remove_view"),
    path("tickets/<int:number>", views.ticket, name="ticket"),
    path("tickets/<int:number>/edit", views.edit, name="edit"),
    path("tickets/<int:number>/choices", views.choices, name="choices"),
    path("tickets/<int:number>/comments/<int:pk>", views.edit_comment, name="edit_comment"),
    path("tickets/<int:number>/files/<int:pk>", views.file, name="file"),
    path("tickets/<int:number>/<slug:what>", views.act, name="act"),
]
