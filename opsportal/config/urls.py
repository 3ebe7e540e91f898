"""Every address of the portal. A house test checks that each is authorised or on the reasoned allow-list."""

from django.contrib import admin
from django.urls import include, path

urlpatterns = [
    path("", include("opsportal.dashboard.urls")),
    path("", include("opsportal.accounts.urls")),
    path("", include("opsportal.operations.urls")),
    path("admin/", admin.site.urls),
]

handler500 = "opsportal.kit.error_pages.server_error"
