"""Every address of the portal. A house test checks that each is authorised or on the reasoned allow-list."""

from django.contrib import admin
from django.http import HttpRequest, HttpResponseRedirect
from django.templatetags.static import static
from django.urls import include, path

from opsportal.accounts.gates import allow_anonymous


@allow_anonymous("a picture, which browsers ask for on pages that name none, such as the admin's")
def favicon(request: HttpRequest) -> HttpResponseRedirect:
    """Where the icon really lies."""
    return HttpResponseRedirect(static("img/icon.svg"))


urlpatterns = [
    path("", include("opsportal.dashboard.urls")),
    path("", include("opsportal.accounts.urls")),
    path("", include("opsportal.operations.urls")),
    path("", include("opsportal.logs.urls")),
    path("", include("opsportal.environments.urls")),
    path("", include("opsportal.bugs.urls")),
    path("", include("opsportal.notifications.urls")),
    path("", include("opsportal.runbooks.urls")),
    path("admin/", admin.site.urls),
    path("favicon.ico", favicon, name="favicon"),
]

handler500 = "opsportal.kit.error_pages.server_error"
