"""The manual pass over a curation: a local page on which people decide, record by record."""
