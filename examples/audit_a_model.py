"""Audit the built-in model on the built-in images, and look at one number of the report.

    python examples/audit_a_model.py [FOLDER]

Needs no connection. Model and images demonstrate the tool and are no evidence about people; put a
Hub id or a folder of yours in place of "unskew/mini" and "faces".
"""

import sys
from pathlib import Path

import unskew


def main(out: Path) -> None:
    encoder = unskew.DualEncoder.from_pretrained("unskew/mini")
    faces = unskew.load_images("faces")
    report = unskew.audit_model(encoder, faces, cross=[("gender", "age_group")])
    report.save(out)

    vectors, gender = encoder.embed_images(faces.images), faces.labels("gender")
    kind = encoder.embed_texts(["kind", "caring"], template="This is a {} person")
    cruel = encoder.embed_texts(["dangerous", "nasty"], template="This is a {} person")
    found = unskew.weat(vectors[gender == "Female"], vectors[gender == "Male"], kind, cruel)
    print(
        f"women rather than men near kind rather than dangerous: d = {found.effect_size:+.2f} "
        f"[{found.ci_low:+.2f}, {found.ci_high:+.2f}], p = {found.p_value:.3f}"
    )
    print(f"report: {out / 'report.html'}")


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "example-audit"))
