"""The demonstration app: the audit in a browser, on built-in pictures or a visitor's own."""

import os

# Read when gradio is imported: it reports to nobody that it runs.
os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"
