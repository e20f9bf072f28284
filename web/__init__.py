"""The thin front end: pages and a JSON API, which write rows and ring."""
