"""One package per outside system. An adapter knows only kit: no models, no settings, no other adapter."""
