"""The thin front end: pages and a JSON API that write rows and ring."""
