"""The Cloud Controller's v3 API, one module per resource; :func:`opsportal.localcloud.web.load_routes`
finds them.
"""
