"""The local cloud: a small server that speaks Cloud Foundry's wire and really runs what is pushed.

It imports nothing else of the portal and nothing imports it but its command and the tests, so that the
platform client and this server cannot share a mistake.
"""
