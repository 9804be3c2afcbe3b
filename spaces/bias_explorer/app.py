"""The bias explorer as a Space. The app itself is `unskew.demo`; only these models are offered."""

from unskew.demo.models import PUBLIC
from unskew.demo.serve import serve

if __name__ == "__main__":
    serve(PUBLIC)
