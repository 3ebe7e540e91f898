"""Addresses of the tickets. Reporting one (/tickets/new) is the dashboard's: it gathers what many packages know."""

from django.urls import path
from django.views.generic import RedirectView

from opsportal.accounts.gates import allow_anonymous
from opsportal.bugs import approval_views, clock_views, list_views, refinement_views, views

_led_on = allow_anonymous("only leads on to an address that asks who is there")
app_name = "bugs"
urlpatterns = [
    # Other addresses of the portal end in a slash: who types one here is led on.
    path("tickets/", _led_on(RedirectView.as_view(pattern_name="bugs:tickets", query_string=True))),
    path(
        "tickets/<int:number>/", _led_on(RedirectView.as_view(pattern_name="bugs:ticket", query_string=True))
    ),
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
